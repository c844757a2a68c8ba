"""HTTP with a bound on the whole time and size of an answer; no redirects, no proxies."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable
from ssl import SSLContext

import httpcore2
import httpx2

MOST_BYTES = 8_000_000
_CHUNK = 65536
_CONNECT = 5.0
_KEPT = 2.0  # shorter than any server's own, so that no request meets a closing connection
_SocketOption = httpcore2.SOCKET_OPTION


class TooMuch(Exception):
    """The answer is larger than any answer that is expected, or packed so that it could be."""


def client(seconds: float, connections: int) -> httpx2.Client:
    """A client whose requests end within `seconds`, each with its answer read to the end."""
    return httpx2.Client(
        transport=_Transport(seconds, connections),
        timeout=seconds,
        follow_redirects=False,
        trust_env=False,
        headers={"Accept-Encoding": "identity"},
    )


class _Budget(threading.local):
    """What the request of this thread may still take."""

    ends = math.inf
    room = MOST_BYTES

    def start(self, seconds: float) -> None:
        self.ends, self.room = time.monotonic() + seconds, MOST_BYTES

    def seconds(self) -> float:
        left = self.ends - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the whole answer took too long")
        return left

    def spend(self, size: int) -> None:
        self.room -= size
        if self.room < 0:
            raise TooMuch(f"more than {MOST_BYTES} bytes")


class _Stream(httpcore2.NetworkStream):
    """A connection whose every step draws on the budget: slow drips end too."""

    def __init__(self, inner: httpcore2.NetworkStream, budget: _Budget) -> None:
        self._inner, self._budget = inner, budget

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._inner.read(max_bytes, self._budget.seconds())
        self._budget.spend(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _CHUNK):
            self._inner.write(buffer[start : start + _CHUNK], self._budget.seconds())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._budget.seconds())
        return _Stream(inner, self._budget)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.SyncBackend):
    def __init__(self, budget: _Budget) -> None:
        self._budget = budget

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[_SocketOption] | None = None,
    ) -> httpcore2.NetworkStream:
        seconds = min(_CONNECT, self._budget.seconds())
        inner = super().connect_tcp(host, port, seconds, local_address, socket_options)
        return _Stream(inner, self._budget)


class _Transport(httpx2.BaseTransport):
    def __init__(self, seconds: float, connections: int) -> None:
        self._seconds, self._budget = seconds, _Budget()
        self._pool = httpcore2.ConnectionPool(
            max_connections=connections,
            keepalive_expiry=_KEPT,
            network_backend=_Backend(self._budget),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self._budget.start(self._seconds)
        try:
            return self._answer(request)
        except httpcore2.TimeoutException as error:
            raise httpx2.ReadTimeout(str(error), request=request) from error
        except httpcore2.ConnectError as error:
            raise httpx2.ConnectError(str(error), request=request) from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise httpx2.RemoteProtocolError(str(error), request=request) from error

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        with self._pool.stream(
            request.method,
            str(request.url),
            headers=request.headers.raw,
            content=request.read(),
            extensions=request.extensions,
        ) as answer:
            headers = httpx2.Headers(answer.headers)
            if headers.get("content-encoding", "identity") != "identity":
                raise TooMuch("packed, which was not asked for")
            content = b"".join(answer.iter_stream())
        return httpx2.Response(answer.status, headers=headers, content=content, request=request)

    def close(self) -> None:
        self._pool.close()
