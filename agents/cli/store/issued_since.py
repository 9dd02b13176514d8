"""After a restore: which open rows had brought a credential after the backup, as the agent's log of then tells.

A store that was restored does not know what was issued since, and its batches show such rows as open. But the id of
each offer that a slip becomes follows from the batch's secret, so offers that a log names are found again:

1. Of logs, and of events as they were told (`credential.issued`), the ids of offers are read that were issued.
2. Those whose credential the store knows are none of these.
3. Of each batch that is not over, the offers are worked out that its open rows may have become, and looked for; so are
   those of rows that were left out, but for what was noted of them before (4).
4. By `leave_out` nobody can claim these rows any more, and nobody gets their numbers: their certificates are good. The
   offers are noted with the row. A clerk may give a row another number, and then have it claimed.

What is left over was offered at the counter, or by another tenant; or its batch was made after the backup; or its row
has had more slips or offers since than are looked for.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from wanderbuch.agents.cli.store.stopped_issuer import StoppedIssuer, batch_desk_of, opened_issuer
from wanderbuch.agents.issuer.batch_records.batch import OFFERS_SKIPPED, Batch, BatchState
from wanderbuch.agents.issuer.batch_records.row import MOST_OFFERS, BatchRow, RowState
from wanderbuch.agents.issuer.batch_records.slips import MOST_SLIPS, Slip, offer_id_of_slip
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.batches.claims import read_claims
from wanderbuch.agents.runtime.app import OPERATOR
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.errors import ConfigurationError

_LIVE: Final = (BatchState.READY, BatchState.RUNNING, BatchState.PAUSED)
_LOOKED_FOR: Final = (RowState.WAITING, RowState.OPEN, RowState.LOCKED, RowState.LEFT_OUT)
_ISSUED: Final = re.compile(rb"\boffer ([0-9a-f]{32}): issued")
_EVENT: Final = re.compile(rb'"kind"\s*:\s*"credential\.issued"')
_SUBJECT: Final = re.compile(rb'"subject"\s*:\s*"([0-9a-f]{32})"')
_MOST: Final = 1_000_000
_MAX_LINE: Final = 1 << 20
_FURTHER_SLIPS: Final = 3  # so many slips a row may have got since the backup
_UNLOCKED: Final = 5  # so often a clerk may have unlocked it since: each time its slip becomes so many offers again


@dataclass(frozen=True, slots=True)
class IssuedRow:
    """A row that is open in the store, and had brought a credential.

    Args:
        batch: id of its batch.
        title: what those who work with the batch call it.
        row: its number.
        offers: ids of the offers that were issued, the oldest first.
    """

    batch: str
    title: str
    row: int
    offers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IssuedSince:
    """What a log tells of, and the store does not know.

    Args:
        rows: open rows that had brought a credential.
        others: ids of further offers that had.
    """

    rows: tuple[IssuedRow, ...]
    others: tuple[str, ...]


def issued_ids(lines: Iterable[bytes]) -> Iterator[str]:
    """Yield the ids of offers that were issued, as lines of a log or events tell (1).

    >>> list(issued_ids([b'{"event": "offer 00112233445566778899aabbccddeeff: issued"}', b"offer 0: issued"]))
    ['00112233445566778899aabbccddeeff']
    """
    for line in lines:
        yield from (found.decode() for found in _ISSUED.findall(line))
        if _EVENT.search(line):
            yield from (found.decode() for found in _SUBJECT.findall(line))


async def issued_since(config: AgentConfig, tenant: str, logs: Sequence[Path]) -> IssuedSince:
    """Return what was issued after the backup from which the store was restored, as logs tell; nothing is changed.

    Args:
        config: of the agent, which does not run.
        tenant: the issuer's.
        logs: files, each the agent's log, or events.

    Raises:
        ConfigurationError: as with `opened_issuer`; or a log cannot be read.
    """
    ids = await asyncio.to_thread(_read, logs)  # 1
    async with opened_issuer(config, tenant) as issuer:
        batches = batch_desk_of(issuer)
        unknown = {offer_id for offer_id in ids if not await _is_known(issuer, offer_id)}  # 2
        rows: list[IssuedRow] = []
        if unknown:
            async for batch in batches.live(_LIVE):
                async for row in _rows(issuer, batches, batch):
                    unknown.difference_update(row.lost)
                    offers = tuple(one for one in _offers_of(batch, row) if one in unknown)  # 3
                    unknown.difference_update(offers)
                    if offers:
                        rows.append(IssuedRow(batch.id, batch.title, row.number, offers))
    return IssuedSince(tuple(rows), tuple(sorted(unknown)))


async def leave_out(config: AgentConfig, tenant: str, rows: Iterable[IssuedRow]) -> None:
    """Let nobody claim these rows, or get their numbers, any more (4); again changes nothing.

    Arguments and errors as with `issued_since`.
    """
    async with opened_issuer(config, tenant) as issuer:
        batches = batch_desk_of(issuer)
        for row in rows:
            await batches.row_desk.leave_out(await batches.get(row.batch), row.row, by=OPERATOR.id, lost=row.offers)


async def _is_known(issuer: StoppedIssuer, offer_id: str) -> bool:
    offer = await issuer.desk.book.offers.get_or_none(offer_id)
    return offer is not None and offer.state.has_credential


async def _rows(issuer: StoppedIssuer, batches: BatchDesk, batch: Batch) -> AsyncIterator[BatchRow]:
    """Yield the rows of a batch as they stand."""
    async for claimed in read_claims(issuer.profile, batch):
        yield await batches.claiming.row(batch.id, claimed.number)


def _offers_of(batch: Batch, row: BatchRow) -> Iterator[str]:
    """Yield the ids of the offers that a row's slip, and those that it may have got since, may have become.

    Offers are counted on from slip to slip, and when a row is unlocked, too.
    """
    if row.state not in _LOOKED_FOR:
        return
    for further in range(min(_FURTHER_SLIPS, MOST_SLIPS - row.turn) + 1):
        slip = Slip(row.batch_id, row.number, row.turn + further)
        attempts = row.attempts + (further + 1 + _UNLOCKED) * MOST_OFFERS
        for restore in range(0, batch.offers_from + 1, OFFERS_SKIPPED):  # it may have been restored before
            for attempt in range(1, attempts + 1):
                yield offer_id_of_slip(slip, batch.secret, restore + attempt)


def _read(logs: Sequence[Path]) -> set[str]:
    ids: set[str] = set()
    for log in logs:
        try:
            with log.open("rb") as file:
                for offer_id in issued_ids(iter(partial(file.readline, _MAX_LINE), b"")):
                    ids.add(offer_id)
                    if len(ids) > _MOST:
                        raise ConfigurationError(
                            f"{log}: expected at most {_MOST} credentials", hint="give the log from the backup on"
                        )
        except OSError as err:
            raise ConfigurationError(f"{log} cannot be read: {err.strerror}") from err
    return ids
