"""Who asks, where limits count: one client is one address, however it is written."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

NETWORK_BITS = 64
"""An IPv6 client is its network: a household or a phone is given that much, and chooses freely among its addresses."""
MOST_ADDRESS = 64
"""Characters of what a proxy calls an address; anything longer is none."""


def client_of(scope: Mapping[str, Any]) -> str:
    """The client of a request: the address of the connection, or what a trusted proxy says of it."""
    return one_client(str((scope.get("client") or ("",))[0]))


@lru_cache(4096)
def one_client(address: str) -> str:
    """An address as limits count it. What is no address is a client by its name."""
    try:
        found = ip_address(address[:MOST_ADDRESS].partition("%")[0])
    except ValueError:
        return address[:MOST_ADDRESS]
    match found:
        case IPv4Address():
            return str(found)
        case IPv6Address(ipv4_mapped=IPv4Address() as inner):
            return str(inner)
    return str(ip_network((found, NETWORK_BITS), strict=False))
