"""How often one client address may ask: a token bucket each, in a table that never grows beyond its bound. Pure."""

import ipaddress
import math
from functools import lru_cache
from typing import Final

_MAX_CLIENTS: Final = 10_000
_ROUNDING: Final = 1e-6
_IPV6_PREFIX: Final = 64  # one household or office has at least that much


class RateLimit:
    """Token buckets by client address.

    A full table forgets the address that it has known longest; whoever owns more addresses than the table has places
    can ask more often, and must be stopped before this process.

    Args:
        per_second: tokens that a bucket gains; 0: no limit at all.
        burst: tokens that a bucket holds at most; a new one is full.
        max_clients: how many addresses are remembered.
    """

    def __init__(self, *, per_second: float, burst: int, max_clients: int = _MAX_CLIENTS) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._max_clients = max_clients
        self._buckets: dict[str, list[float]] = {}  # tokens, when

    def __len__(self) -> int:
        return len(self._buckets)

    def wait_s(self, client: str | None, now_s: float) -> int:
        """Take one token; return 0, or after how many whole seconds there will be one if there is none now.

        Args:
            client: the address as the socket tells it; None counts as one client.
            now_s: seconds of a clock that never goes back.
        """
        if not self._per_second:
            return 0
        key = client if client is not None and ":" not in client else _bucket(client)
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= self._max_clients:
                del self._buckets[next(iter(self._buckets))]
            bucket = self._buckets[key] = [self._burst, now_s]
        tokens = bucket[0] + (now_s - bucket[1]) * self._per_second
        if tokens > self._burst:
            tokens = self._burst
        bucket[1] = now_s
        if tokens >= 1.0 - _ROUNDING:
            bucket[0] = tokens - 1.0
            return 0
        bucket[0] = tokens
        return max(1, math.ceil((1.0 - tokens) / self._per_second - _ROUNDING))


@lru_cache(maxsize=4096)
def _bucket(client: str | None) -> str:
    if client is None or ":" not in client:
        return client or ""
    try:
        address = ipaddress.IPv6Address(client.partition("%")[0])
    except ValueError:
        return client[:64]
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, _IPV6_PREFIX), strict=False))
