"""Addresses that a workflow must not reach, however they are written."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

import pytest

from runtime_tasks.errors import Refused, StepConfigError, StepError
from runtime_tasks.notifications import transport
from runtime_tasks.notifications.addresses import Allowed, refusal
from runtime_tasks.notifications.exchange import Call, exchange
from tests.notifications.conftest import Receiver

FORBIDDEN = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",  # Alibaba Cloud's metadata
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # Azure's
    "169.254.169.254",  # everybody else's
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",  # Oracle's
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",  # Teredo
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "4000::1",
    "fc00::1",
    "fd00:ec2::254",  # AWS's, over IPv6
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
"""At least the 19 forms that guards are known to forget."""

WRITTEN_ODDLY = [
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "[::1]",
    "[::ffff:7f00:1]",
    "localhost",
    "LOCALHOST",
    "127.0.0.1.",
    "0",
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert refusal(ip_address(address), "example.org", Allowed())


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_reached(address: str) -> None:
    assert refusal(ip_address(address), "example.org", Allowed()) is None


@pytest.mark.parametrize("host", WRITTEN_ODDLY)
def test_loopback_is_refused_however_it_is_written(
    host: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATAROLL_ALLOW_ADDRESSES")
    port = receiver.url.rpartition(":")[2]
    with pytest.raises(StepError):
        exchange(Call("GET", f"http://{host}:{port}/", seconds=2))
    assert receiver.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "https://user:password@example.org/",
        "https:///nothing",
        "http://[::1",
        "http://example.org:0/",
        "http://example.org:99999/",
        "",
    ],
)
def test_a_url_that_is_none_of_ours_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(StepConfigError) as caught:
        exchange(Call("GET", url))
    assert "password" not in str(caught.value)


def test_configuration_opens_ranges_and_names() -> None:
    allowed = Allowed.from_environment(
        {"DATAROLL_ALLOW_ADDRESSES": "10.1.0.0/16, hooks.internal .corp.example fd00::/64"}
    )
    assert refusal(ip_address("10.1.2.3"), "any", allowed) is None
    assert refusal(ip_address("10.2.0.1"), "any", allowed) == "private"
    assert refusal(ip_address("10.2.0.1"), "Hooks.Internal", allowed) is None
    assert refusal(ip_address("10.2.0.1"), "a.b.corp.example", allowed) is None
    assert refusal(ip_address("10.2.0.1"), "evilcorp.example", allowed) == "private"
    assert refusal(ip_address("fd00::1"), "any", allowed) is None
    assert refusal(ip_address("::ffff:10.1.2.3"), "any", allowed) is None


def test_a_name_that_is_allowed_does_not_open_the_metadata_service() -> None:
    allowed = Allowed(hosts=frozenset({"hooks.internal"}))
    assert refusal(ip_address("169.254.169.254"), "hooks.internal", allowed)


def test_the_address_that_is_checked_is_the_one_that_is_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when first asked and loopback afterwards (DNS rebinding)."""
    asked: list[str] = []

    def resolver(host: str, port: int, *args: Any, **more: Any) -> list[Any]:
        asked.append(host)
        address = "192.0.2.7" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.delenv("DATAROLL_ALLOW_ADDRESSES")
    monkeypatch.setattr(transport, "refusal", lambda address, host, allowed: None)
    monkeypatch.setattr(transport.socket, "getaddrinfo", resolver)
    connected: list[str] = []

    def connect(address: tuple[str, int], *args: Any, **more: Any) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(transport.socket, "create_connection", connect)
    with pytest.raises(StepError):
        exchange(Call("GET", "http://rebind.example/", seconds=2))
    assert asked == ["rebind.example"]
    assert connected == ["192.0.2.7"]


def test_of_several_addresses_only_the_permitted_are_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        transport.socket,
        "getaddrinfo",
        lambda host, port, **more: [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("10.0.0.1", "8.8.8.8", "169.254.169.254")
        ],
    )
    guard = transport.Guard(1, Allowed())
    assert guard.addresses("mixed.example", 443) == ["8.8.8.8"]


def test_mail_goes_through_the_same_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATAROLL_ALLOW_ADDRESSES")
    with pytest.raises(Refused, match="loopback"):
        transport.Guard(1).connect("localhost", 25)
