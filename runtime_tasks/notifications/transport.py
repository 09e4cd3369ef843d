"""The one way out: connections whose address is checked as the socket is opened.

::

    with httpx.Client(transport=GuardedTransport(Guard(seconds=10)), trust_env=False) as client:
        client.post(url, json=payload)

A :class:`Guard` lives for one exchange. It resolves the name itself, connects to the very
address it has checked (so a name that changes its mind between check and use gains nothing),
and its deadline holds for the exchange as a whole, however slowly the other side drips.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from functools import cache
from ipaddress import ip_address
from time import monotonic
from typing import Any

import httpcore
import httpx

from runtime_tasks.errors import Refused
from runtime_tasks.notifications.addresses import VARIABLE, Allowed, refusal


class Guard:
    """What one exchange may reach, and until when."""

    def __init__(self, seconds: float, allowed: Allowed | None = None) -> None:
        self.allowed = Allowed.from_environment() if allowed is None else allowed
        self.deadline = monotonic() + seconds

    def left(self, timeout: float | None = None) -> float:
        """Seconds left, at most ``timeout``. Raises TimeoutError when there are none."""
        left = self.deadline - monotonic()
        if left <= 0:
            raise TimeoutError("the time for this exchange is over")
        return left if timeout is None else min(left, timeout)

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of ``host`` that may be reached. Raises Refused when there is none."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        reasons: list[str] = []
        permitted: list[str] = []
        for address in dict.fromkeys(str(entry[4][0]) for entry in found):
            reason = refusal(ip_address(address.partition("%")[0]), host, self.allowed)
            if reason is None:
                permitted.append(address)
            else:
                reasons.append(reason)
        if not permitted:
            raise Refused(
                f"the address is {', '.join(dict.fromkeys(reasons))}: workflows reach public "
                f"addresses only; {VARIABLE} on the worker can allow more"
            )
        return permitted

    def connect(self, host: str, port: int, timeout: float | None = None) -> socket.socket:
        """A socket to ``host``, at an address that has been checked."""
        failure: OSError | None = None
        for address in self.addresses(host, port):
            try:
                return socket.create_connection((address, port), self.left(timeout))
            except OSError as error:
                failure = error
        raise failure or OSError("no address answers")


class GuardedStream(httpcore.NetworkStream):
    """A stream that stops at the guard's deadline, whatever single reads are allowed."""

    def __init__(self, stream: httpcore.NetworkStream, guard: Guard) -> None:
        self.stream = stream
        self.guard = guard

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, self._left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, self._left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._left(timeout, httpcore.ConnectTimeout)
        return GuardedStream(self.stream.start_tls(ssl_context, server_hostname, left), self.guard)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)

    def _left(self, timeout: float | None, error: type[Exception]) -> float:
        try:
            return self.guard.left(timeout)
        except TimeoutError:
            raise error("the time for this exchange is over") from None


class GuardedBackend(httpcore.SyncBackend):
    """Opens connections for httpcore, through a guard."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception | None = None
        try:
            addresses = self.guard.addresses(host, port)
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("the name is not known") from None
        for address in addresses:
            try:
                stream = super().connect_tcp(
                    address, port, self.guard.left(timeout), local_address, socket_options
                )
                return GuardedStream(stream, self.guard)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            except TimeoutError:
                failure = httpcore.ConnectTimeout("the time for this exchange is over")
                break
        raise failure or httpcore.ConnectError("no address answers")

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        raise Refused("workflows do not reach Unix sockets")


class GuardedTransport(httpx.HTTPTransport):
    """httpx's transport on a guarded backend. It knows no proxy: one would do the connecting."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(verify=tls(), trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls(), network_backend=GuardedBackend(guard), max_connections=1
        )


@cache
def tls() -> ssl.SSLContext:
    """One context for all: loading the certificates takes longer than most exchanges."""
    return httpx.create_ssl_context(trust_env=True)
