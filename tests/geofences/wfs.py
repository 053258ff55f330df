"""A WFS 2.0 with the districts "w", "e", … of the rings given as arguments; prints its address, runs until ended."""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

CAPABILITIES = """<?xml version="1.0"?>
<wfs:WFS_Capabilities version="2.0.0" xmlns:wfs="http://www.opengis.net/wfs/2.0"
  xmlns:ows="http://www.opengis.net/ows/1.1" xmlns:xlink="http://www.w3.org/1999/xlink">
 <ows:OperationsMetadata>
  {operations}
 </ows:OperationsMetadata>
 <FeatureTypeList xmlns="http://www.opengis.net/wfs/2.0">
  <FeatureType><Name>stadt:bezirke</Name><DefaultCRS>urn:ogc:def:crs:EPSG::25832</DefaultCRS></FeatureType>
 </FeatureTypeList>
</wfs:WFS_Capabilities>"""
SCHEMA = """<?xml version="1.0"?>
<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:gml="http://www.opengis.net/gml/3.2"
  xmlns:stadt="http://stadt.example" targetNamespace="http://stadt.example" elementFormDefault="qualified">
 <xsd:complexType name="bezirkeType"><xsd:complexContent><xsd:extension base="gml:AbstractFeatureType"><xsd:sequence>
  <xsd:element name="key" type="xsd:string"/><xsd:element name="name" type="xsd:string"/>
  <xsd:element name="geom" type="gml:SurfacePropertyType"/>
 </xsd:sequence></xsd:extension></xsd:complexContent></xsd:complexType>
 <xsd:element name="bezirke" substitutionGroup="gml:AbstractFeature" type="stadt:bezirkeType"/>
</xsd:schema>"""
FEATURE = """<wfs:member><stadt:bezirke gml:id="{id}"><stadt:key>{id}</stadt:key><stadt:name>{id}</stadt:name>
 <stadt:geom><gml:Polygon gml:id="g{id}" srsName="urn:ogc:def:crs:EPSG::25832"><gml:exterior><gml:LinearRing>
 <gml:posList>{positions}</gml:posList>
 </gml:LinearRing></gml:exterior></gml:Polygon></stadt:geom></stadt:bezirke></wfs:member>"""
COLLECTION = """<?xml version="1.0"?>
<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:gml="http://www.opengis.net/gml/3.2"
  xmlns:stadt="http://stadt.example" numberMatched="{count}" numberReturned="{count}">
 {members}
</wfs:FeatureCollection>"""
OPERATION = """<ows:Operation name="{name}"><ows:DCP><ows:HTTP><ows:Get xlink:href="{address}"/></ows:HTTP></ows:DCP>
</ows:Operation>"""


class Service(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = {name.upper(): values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}["REQUEST"]
        body = self.answer(asked).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, asked: str) -> str:
        if asked == "GetCapabilities":
            names = ("GetCapabilities", "DescribeFeatureType", "GetFeature")
            address = f"http://127.0.0.1:{self.connection.getsockname()[1]}/wfs"
            return CAPABILITIES.format(operations="".join(OPERATION.format(name=n, address=address) for n in names))
        if asked == "DescribeFeatureType":
            return SCHEMA
        rings = zip("wens", sys.argv[1:], strict=False)
        members = [FEATURE.format(id=name, positions=positions) for name, positions in rings]
        return COLLECTION.format(count=len(members), members="".join(members))

    def log_message(self, *_: Any) -> None:
        pass


if __name__ == "__main__":
    with HTTPServer(("127.0.0.1", 0), Service) as server:
        print(f"http://127.0.0.1:{server.server_port}/wfs", flush=True)
        server.serve_forever()
