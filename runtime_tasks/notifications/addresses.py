"""Which network addresses a workflow may reach: public ones, and what configuration allows.

::

    refusal(ip_address("169.254.169.254"), "evil.example", Allowed())   # 'link-local, …'
    Allowed.from_environment()      # DATAROLL_ALLOW_ADDRESSES="10.1.0.0/16, hooks.internal"

Names prove nothing: a public name may point at a private address, and may do so only the
second time it is asked. So the guard asks here about the address of the socket it opens.

The ranges are IANA's special-purpose registries (IPv4: RFC 6890 and its updates; IPv6: only
2000::/3 is assigned as global unicast), plus the cloud metadata addresses outside of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

VARIABLE = "DATAROLL_ALLOW_ADDRESSES"

SPECIAL: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), reason)
    for network, reason in {
        "0.0.0.0/8": "this host",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "shared between a carrier's customers",
        "127.0.0.0/8": "loopback",
        "168.63.129.16/32": "a cloud's metadata service",
        "169.254.0.0/16": "link-local, where clouds keep their metadata service",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "reserved for protocols",
        "192.0.2.0/24": "for documentation",
        "192.88.99.0/24": "a 6to4 relay",
        "192.168.0.0/16": "private",
        "198.18.0.0/15": "for benchmarks",
        "198.51.100.0/24": "for documentation",
        "203.0.113.0/24": "for documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
        "::/128": "this host",
        "::1/128": "loopback",
        "64:ff9b::/96": "NAT64, which leads to an IPv4 address",
        "64:ff9b:1::/48": "NAT64, which leads to an IPv4 address",
        "100::/64": "discarded",
        "2001::/23": "reserved for protocols, Teredo among them",
        "2001:db8::/32": "for documentation",
        "2002::/16": "6to4, which leads to an IPv4 address",
        "3fff::/20": "for documentation",
        "fc00::/7": "private",
        "fe80::/10": "link-local",
        "fec0::/10": "private",
        "ff00::/8": "multicast",
    }.items()
)
GLOBAL_UNICAST = IPv6Network("2000::/3")
METADATA = (ip_network("169.254.0.0/16"), ip_network("168.63.129.16/32"))
"""A host name in the allow-list never opens these; only a range that is written out does."""


@dataclass(frozen=True)
class Allowed:
    """What configuration opens beyond public addresses."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    """Host names, lower case; ``.example.org`` stands for every name below it."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Allowed:
        text = (os.environ if environment is None else environment).get(VARIABLE, "")
        networks: list[Network] = []
        hosts: set[str] = set()
        for entry in text.replace(",", " ").split():
            try:
                networks.append(ip_network(entry, strict=False))
            except ValueError:
                hosts.add(entry.lower().rstrip("."))
        return cls(tuple(networks), frozenset(hosts))

    def host(self, name: str) -> bool:
        name = name.lower().rstrip(".")
        parts = name.split(".")
        return name in self.hosts or any(
            "." + ".".join(parts[start:]) in self.hosts for start in range(1, len(parts))
        )


def refusal(address: Address, host: str, allowed: Allowed) -> str | None:
    """Why ``address`` must not be connected to for ``host``, or None when it may be."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if any(address in network for network in allowed.networks):
        return None
    if allowed.host(host) and not any(address in network for network in METADATA):
        return None
    for network, reason in SPECIAL:
        if address in network:
            return reason
    if isinstance(address, IPv6Address) and address not in GLOBAL_UNICAST:
        return "not a public address"
    return None
