"""Whose address a request comes from: the peer's, or what a proxy says where the operator trusts that proxy."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network

UNKNOWN = "unknown"


def read_networks(text: str) -> tuple[Network, ...]:
    """`10.0.0.0/8, 192.0.2.7` as networks. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def client_address(peer: str | None, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """The nearest address no trusted proxy vouches for; of IPv6 the /64, since that is what one party holds.

    Read from the right: what stands further left a caller may have written itself.
    """
    hops = [part.strip() for header in forwarded_for for part in header.split(",")]
    address = _canonical(peer)
    while hops and address is not None and _is_trusted(address, trusted):
        address = _canonical(hops.pop())
    return UNKNOWN if address is None else _group(address)


def is_trusted_peer(peer: str | None, trusted: Sequence[Network]) -> bool:
    """Whether whoever is connected is itself a proxy that the operator trusts."""
    address = _canonical(peer)
    return address is not None and _is_trusted(address, trusted)


def _canonical(text: str | None) -> str | None:
    try:
        address = ip_address(text or "")
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    return any(ip_address(address) in network for network in trusted)


def _group(address: str) -> str:
    found = ip_address(address)
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else address
