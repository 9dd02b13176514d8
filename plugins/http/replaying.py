"""HTTP edges for those who have no network, or want to take what it serves with them.

What they give is checked by the same code as what comes over the network: nothing counts for having been kept.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from wanderbuch.plugins.http.answers import Fetched, Redirect
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.http.errors import DeadlineError, NotFoundError, TooLargeError, UnreachableError

_READERS_KEEP: Final = timedelta(minutes=10)  # longer than any of our caches
_CONTENT_TYPE: Final = "application/octet-stream"


class RecordingEdge(HttpEdge):
    """Fetches through another edge and remembers what came, by address.

    Args:
        inner: the way out; its owner closes it.
    """

    def __init__(self, inner: HttpEdge) -> None:
        super().__init__(has_network=False)
        self._inner = inner
        self.recorded: dict[str, bytes] = {}

    async def get(
        self, url: str, *, max_bytes: int, timeout_s: float, accept: str = "*/*", etag: str | None = None
    ) -> Fetched:
        """Fetch `url` in full, whatever was known of it, and remember it; see `HttpEdge.get`."""
        fetched = await self._inner.get(url, max_bytes=max_bytes, timeout_s=timeout_s, accept=accept)
        self.recorded[url] = fetched.body
        return Fetched(fetched.status, fetched.body, fetched.content_type, None)

    async def get_or_location(
        self, url: str, *, max_bytes: int, timeout_s: float, accept: str = "*/*"
    ) -> Fetched | Redirect:
        """Fetch `url` and remember nothing: what depends on a redirect is not for keeping."""
        return await self._inner.get_or_location(url, max_bytes=max_bytes, timeout_s=timeout_s, accept=accept)


class ReplayingEdge(HttpEdge):
    """Serves what was recorded and nothing else; no network.

    Args:
        files: address -> content.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(has_network=False)
        self._files = files

    async def get(
        self, url: str, *, max_bytes: int, timeout_s: float, accept: str = "*/*", etag: str | None = None
    ) -> Fetched:
        """Return what was recorded of `url`; see `HttpEdge.get`."""
        return _replayed(self._files, url, max_bytes)

    async def get_or_location(
        self, url: str, *, max_bytes: int, timeout_s: float, accept: str = "*/*"
    ) -> Fetched | Redirect:
        """Return what was recorded of `url`; no redirect is."""
        return _replayed(self._files, url, max_bytes)

    async def post(
        self, url: str, body: bytes, *, content_type: str, max_bytes: int, timeout_s: float, hears_why: bool = False
    ) -> Fetched:
        """Refuse: there is no network."""
        raise UnreachableError("there is no network here")

    async def deliver(self, url: str, body: bytes, *, content_type: str, max_bytes: int, timeout_s: float) -> Fetched:
        """Refuse: there is no network."""
        raise UnreachableError("there is no network here")


class FallbackEdge(HttpEdge):
    """Asks the network, and where that is away, serves what was recorded.

    Only a host that cannot be reached, or does not answer in time, is replaced; what it refuses, stays refused.

    Args:
        config: as of `HttpEdge`.
        files: address -> content.
        recorded_at: when they were recorded.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        config: HttpEdgeConfig | None,
        files: Mapping[str, bytes],
        *,
        recorded_at: datetime,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(config)
        self._files = files
        self._clock = clock
        self.recorded_at = recorded_at
        self.last_replayed_at: datetime | None = None
        """When something was last served that was recorded; None if never."""

    def serves_recording(self, at: datetime) -> bool:
        """Return whether what readers hold at `at` may come from the recording: they keep things for a while."""
        return self.last_replayed_at is not None and at < self.last_replayed_at + _READERS_KEEP

    def renew(self, files: Mapping[str, bytes], *, recorded_at: datetime) -> bool:
        """Serve another recording from now on; return whether it does: what readers may hold has one age alone."""
        if self.serves_recording(self._clock()):
            return False
        self._files, self.recorded_at, self.last_replayed_at = files, recorded_at, None
        return True

    async def get(
        self, url: str, *, max_bytes: int, timeout_s: float, accept: str = "*/*", etag: str | None = None
    ) -> Fetched:
        """Fetch `url`, or return what was recorded of it; see `HttpEdge.get`."""
        try:
            return await super().get(url, max_bytes=max_bytes, timeout_s=timeout_s, accept=accept, etag=etag)
        except (UnreachableError, DeadlineError):
            if url not in self._files:
                raise
            fetched = _replayed(self._files, url, max_bytes)
            self.last_replayed_at = self._clock()
            return fetched


def _replayed(files: Mapping[str, bytes], url: str, max_bytes: int) -> Fetched:
    body = files.get(url)
    if body is None:
        raise NotFoundError(f"there is nothing recorded of {url[:200]}", status=404)
    if len(body) > max_bytes:
        raise TooLargeError(f"expected at most {max_bytes} bytes from {url[:200]}, found more")
    return Fetched(200, body, _CONTENT_TYPE, None)
