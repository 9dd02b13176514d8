"""The certificates of an agent that runs: its own pair and the authorities it trusts, read anew when it is told to.

What is wrong with them is logged at the start, once a day and after every reload, and stands in `/ready`.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from wanderbuch.agents.runtime.certificate_rules import Concern
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.agents.runtime.server_tls import ServerTls
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.store.records import utc_now

_LOG = logging.getLogger(__name__)
_EVERY: Final = timedelta(days=1)


class Certificates:
    """An agent's own certificate, and those it trusts.

    Args:
        own: of the public site; None: the proxies in front have it.
        edge: the way out to others.
        further: of hosts that tenants have for themselves.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        own: ServerTls | None,
        edge: HttpEdge,
        *,
        further: Sequence[ServerTls] = (),
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._pairs = tuple(pair for pair in (own, *further) if pair is not None)
        self._edge = edge
        self._clock = clock
        self._trust: Concern | None = None

    def concerns(self) -> tuple[Concern, ...]:
        """Return what an operator should see to."""
        at = self._clock()
        own = [self._named(pair, concern) for pair in self._pairs for concern in pair.concerns(at=at)]
        return (*own, *((self._trust,) if self._trust else ()))

    def _named(self, pair: ServerTls, concern: Concern) -> Concern:
        """Say which host a concern is about, where there are several."""
        return concern if len(self._pairs) == 1 else replace(concern, text=f"{pair.host}: {concern.text}")

    async def look(self) -> None:
        """Look at the certificate as a client would, and log what is wrong."""
        try:
            for pair in self._pairs:
                await asyncio.to_thread(pair.look, self._edge.new_trust)
        except ConfigurationError as err:  # what the agent trusts is in its memory still
            self._note_trust(err)
        for concern in self.concerns():
            log_event(_LOG, logging.WARNING, "tls.concern", code=concern.code, reason=concern.text)

    async def reload(self) -> None:
        """Read everything anew; what is not fit leaves the old in its place, and the log says so."""
        self._trust = None
        try:
            await asyncio.to_thread(self._edge.reload_trust)
        except ConfigurationError as err:
            self._note_trust(err)
        for pair in self._pairs:
            try:
                await asyncio.to_thread(pair.reload, at=self._clock())
            except ConfigurationError as err:
                log_event(
                    _LOG, logging.ERROR, "tls.kept", host=pair.host, reason=err.message, ends=pair.ends.isoformat()
                )
            else:
                log_event(_LOG, logging.INFO, "tls.reloaded", host=pair.host, ends=pair.ends.isoformat())
        await self.look()

    def _note_trust(self, err: ConfigurationError) -> None:
        log_event(_LOG, logging.ERROR, "tls.trust_kept", reason=err.message)
        text = "[network] ca_file cannot be read; the authorities that it held before are trusted. The log says more."
        self._trust = Concern("tls.trust", text)

    async def run(self) -> None:
        """Look again every day; ends only by cancellation."""
        while True:
            await asyncio.sleep(_EVERY.total_seconds())
            try:
                await self.look()
            except Exception as err:  # noqa: BLE001 (whatever it was, the agent looks again tomorrow)
                _LOG.error("tls.look_failed", exc_info=err)

    async def reload_on(self, told: asyncio.Event) -> None:
        """Reload whenever `told` is set; ends only by cancellation."""
        while True:
            await told.wait()
            told.clear()
            try:
                await self.reload()
            except Exception as err:  # noqa: BLE001 (the old certificate serves, and the next signal counts)
                _LOG.error("tls.reload_failed", exc_info=err)
