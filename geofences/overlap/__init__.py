"""Measures how much of a district an outline covers, from the crossings of their boundaries.

docs/explanation/exact-shares.md explains the method with pictures; sections named here are its sections. The modules of
this package use these words:

* A **fence** is the polygon of a district, an **outline** one of an alert, both in lon/lat degrees, as shapely's
  polygons or multipolygons. Many fences are prepared once; outlines come with each alert.
* A **ring** is a closed line of vertices, outer boundary or hole. The interior lies on its left. An **edge** goes from
  one vertex of a ring to the next.
* A **stretch** is eight successive edges of a ring. Each stretch has a box, and trees find boxes.
* An edge **sweeps** the area between itself and a fixed parallel, the datum (section "An area is a sum along a
  boundary"). All areas are on the unit sphere, in steradians.
* The **step** moves every outline by an infinitely small amount, so that nothing touches (section "No touches").

`sphere` has the area of an edge, `sides` the side of a point, `boundary` the rings as arrays, and `overlaps` the sum.
`budget` estimates beforehand what the work on an outline will cost; `tangles` uses that for geofences files.

Arrays of numbers (`Ints`) hold positions in other arrays, or counts. A comment such as "shape (rings,)" gives the axes.
"""
