"""webhook_endpoint (回调地址): which addresses the service may be told to call. Pure; no name is resolved here.

One parser, ours: libraries disagree on `http://a\\@b/`, `0x7f.1` and full-width dots, and where two disagree one checks
a host and the other calls another. What is accepted is already canonical, and that text is what is stored and called.

IPv4 is refused by table, IPv6 is refused but for global unicast: `ipaddress.is_global` is true of NAT64, 6to4,
IPv4-compatible, multicast and site-local addresses (measured on Python 3.11), so it decides nothing here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Self, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

MAX_URL_CHARACTERS = 2_000
STANDARD_PORTS = {"https": frozenset({443, 8443}), "http": frozenset({80, 8080})}

_URL = re.compile(r"(https?)://([^/?]*)(/[^?]*)?(\?.*)?", re.IGNORECASE | re.DOTALL)
_VISIBLE = re.compile(r"[!-~]+")
_UNWISE = frozenset('"<>\\^`{|}')
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_PRIVATE_SUFFIXES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "invalid", "onion")


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


LOOPBACK = _networks("127.0.0.0/8", "::1/128")

NEVER = _networks(
    "0.0.0.0/8",  # this host
    "169.254.0.0/16",  # link-local, and with it the metadata service of most clouds
    "100.100.100.200/32",  # metadata of Alibaba Cloud
    "168.63.129.16/32",  # metadata of Azure
    "192.0.0.192/32",  # metadata of Oracle Cloud
    "224.0.0.0/4",  # multicast
    "255.255.255.255/32",  # broadcast
    "::/128",
    "::/96",  # IPv4-compatible; ::1 is loopback and stands there
    "::ffff:0:0/96",  # IPv4-mapped
    "::ffff:0:0:0/96",  # IPv4-translated (SIIT)
    "64:ff9b::/96",  # NAT64
    "64:ff9b:1::/48",  # NAT64 of a network's own
    "2001::/32",  # Teredo
    "2002::/16",  # 6to4
    "fe80::/10",  # link-local
    "fec0::/10",  # site-local
    "fd00:ec2::254/128",  # metadata of AWS
    "ff00::/8",  # multicast
)
"""Not even an operator's list opens these."""

DENIED = _networks(
    "10.0.0.0/8",
    "100.64.0.0/10",  # carrier-grade NAT
    "172.16.0.0/12",
    "192.0.0.0/24",  # IETF protocols
    "192.0.2.0/24",  # documentation
    "192.88.99.0/24",  # 6to4 relays
    "192.168.0.0/16",
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "240.0.0.0/4",  # reserved
    "2001::/23",  # IETF protocols, ORCHID among them
    "2001:db8::/32",  # documentation
    "3fff::/20",  # documentation
)
"""Opened by an operator's list; IPv6 outside global unicast likewise (unique local fc00::/7, SRv6 5f00::/16 …)."""

GLOBAL_UNICAST = IPv6Network("2000::/3")


class ForbiddenTarget(ValueError):  # noqa: N818  a statement about the target, not an accident
    """The service may not be told to call this; `code` says why without repeating it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class TargetPolicy:
    """What the operator allows beyond the public internet over https; never a caller's to say."""

    allowed: tuple[Network, ...] = ()
    allow_http: bool = False
    allow_loopback: bool = False

    @classmethod
    def of(cls, allow: str, *, allow_http: bool, production: bool) -> Self:
        """From the settings: `allow` is a comma list of networks. Loopback may be listed outside production only.

        Raises ValueError for what is no network.
        """
        listed = tuple(ip_network(part.strip()) for part in allow.split(",") if part.strip())
        return cls(listed, allow_http=allow_http and not production, allow_loopback=not production)

    def may_reach(self, address: Address) -> bool:
        """Whether an address may be connected to at all."""
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return False
        if _within(address, LOOPBACK):
            return self.allow_loopback and self.lists(address)
        if _within(address, NEVER):
            return False
        return self.lists(address) or _is_public(address)

    def is_public(self, address: Address) -> bool:
        """Whether an address may be connected to without the operator's list: anybody could ask it the same."""
        return self.may_reach(address) and not self.lists(address)

    def lists(self, address: Address) -> bool:
        """Whether the operator's list names the address."""
        return _within(address, self.allowed)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart once. `host` is a name, or a literal without brackets; `path` includes the query."""

    scheme: str
    host: str
    port: int
    path: str
    literal: Address | None

    @property
    def url(self) -> str:
        """The canonical text."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        """What the Host header says: the port where it is not the scheme's own."""
        host = f"[{self.host}]" if isinstance(self.literal, IPv6Address) else self.host
        own = 443 if self.scheme == "https" else 80
        return host if self.port == own else f"{host}:{self.port}"


def read_target(url: str, policy: TargetPolicy) -> Target:
    """The target of a URL, refused where it is obviously none. Raises ForbiddenTarget.

    Codes: `url`, `url-scheme`, `url-user`, `url-fragment`, `url-host`, `url-port`, `url-address`. A name that resolves
    to a forbidden address is found out only when it is called (`check_answers`).
    """
    scheme, authority, path = _parts(url)
    if scheme != "https" and not policy.allow_http:
        raise ForbiddenTarget("url-scheme")
    host, port = _host_and_port(authority, scheme)
    literal = _literal(host)
    name = host if literal is None else str(literal)
    if literal is None:
        _check_name(name, policy)
    elif not (policy.lists(literal) and policy.may_reach(literal)):
        raise ForbiddenTarget("url-address")
    if port not in STANDARD_PORTS[scheme] and not policy.allowed:
        raise ForbiddenTarget("url-port")
    return Target(scheme, name, port=port, path=path, literal=literal)


def check_answers(target: Target, answers: Iterable[Address], policy: TargetPolicy) -> tuple[Address, ...]:
    """The addresses a name resolved to, if every one may be reached. Raises ForbiddenTarget.

    All, not one: with a public and a private answer, who connects may pick either. Ports beyond the standard ones are
    for addresses of the operator's list.
    """
    addresses = tuple(answers)
    if not addresses or not all(policy.may_reach(address) for address in addresses):
        raise ForbiddenTarget("url-address")
    standard = target.port in STANDARD_PORTS[target.scheme]
    if not standard and not all(policy.lists(address) for address in addresses):
        raise ForbiddenTarget("url-port")
    return addresses


def _parts(url: str) -> tuple[str, str, str]:
    if len(url) > MAX_URL_CHARACTERS or not _VISIBLE.fullmatch(url) or _UNWISE.intersection(url):
        raise ForbiddenTarget("url")
    if "#" in url:
        raise ForbiddenTarget("url-fragment")
    match = _URL.fullmatch(url)
    if match is None:
        raise ForbiddenTarget("url-scheme" if not url.lower().startswith(("http://", "https://")) else "url")
    scheme, authority, path, query = match.groups()
    if "@" in authority:
        raise ForbiddenTarget("url-user")
    return scheme.lower(), authority.lower(), (path or "/") + (query or "")


def _host_and_port(authority: str, scheme: str) -> tuple[str, int]:
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        return authority, 443 if scheme == "https" else 80
    if not _PORT.fullmatch(port) or int(port) > 65_535:
        raise ForbiddenTarget("url-port")
    return host, int(port)


def _literal(host: str) -> Address | None:
    """The address a host spells in its canonical way; None for a name. Raises ForbiddenTarget for other spellings."""
    if host.startswith("["):
        spelled, closed = host[1:-1], host.endswith("]")
        address = _address(spelled)
        if not closed or not isinstance(address, IPv6Address) or str(address) != spelled:
            raise ForbiddenTarget("url-host")
        return address
    last = host.rpartition(".")[2]
    if _NUMBER.fullmatch(last):  # WHATWG: a host that ends in a number is an IPv4 address, in whatever spelling
        address = _address(host)
        if not isinstance(address, IPv4Address):
            raise ForbiddenTarget("url-host")
        return address
    return None


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _check_name(name: str, policy: TargetPolicy) -> None:
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ForbiddenTarget("url-host")
    inside = len(labels) == 1 or labels[-1] in _PRIVATE_SUFFIXES
    if inside and not policy.allowed:
        raise ForbiddenTarget("url-address")


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in GLOBAL_UNICAST:
        return False
    return not _within(address, DENIED)


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
