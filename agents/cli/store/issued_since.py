"""After a restore: which rows had brought a credential after the backup, as the agent's log of then tells.

A store that was restored does not know what was issued since, and its batches show such rows as open. But the id of
each offer that a slip becomes follows from the batch's secret, so offers that a log names are found again:

1. Of logs, and of events as they were told (`credential.issued`), the ids of offers are read that were issued; of logs
   also what stands for the numbers of their certificates (`register.number_hashes`).
2. Those whose credential the store knows are none of these.
3. Of each batch, also one that was cancelled or handed over since the restore, the offers are worked out that its rows
   may have become, and looked for; but for those that were noted of a row before (4). A row whose credential the store
   knows may have got another slip since.
4. By `leave_out` nobody can claim these rows any more, and nobody gets their numbers: their certificates are good. The
   offers are noted with the row. Where a later slip brought one, the earlier ones are worth nothing, as when it was
   given out. A clerk may give a row another number, and then have it claimed.
5. Nobody gets the numbers either that the log names: of a row that was corrected after the backup, of what was offered
   at the counter, of a batch that is not in the store.

What is left over was offered at the counter, or by another tenant; or its batch was made after the backup, or removed
since; or its row has had more slips or offers since than are looked for.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from wanderbuch.agents.cli.store.stopped_issuer import StoppedIssuer, batch_desk_of, opened_issuer
from wanderbuch.agents.issuer.batch_records.batch import OFFERS_SKIPPED, Batch, BatchState
from wanderbuch.agents.issuer.batch_records.row import MOST_OFFERS, BatchRow, RowState, state_in, untouched
from wanderbuch.agents.issuer.batch_records.slips import MOST_SLIPS, Slip, offer_ids_of_slip
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.batches.claims import read_claims
from wanderbuch.agents.issuer.batches.row_desk import LostCertificates
from wanderbuch.agents.runtime.app import OPERATOR
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.errors import ConfigurationError

_LOOKED_FOR: Final = tuple(state for state in BatchState if state is not BatchState.WRITING)
_ISSUED: Final = re.compile(rb"\boffer ([0-9a-f]{32}): issued(?:, number ([0-9a-f]{32}-[0-9a-f]{32}))?")
_EVENT: Final = re.compile(rb'"kind"\s*:\s*"credential\.issued"')
_SUBJECT: Final = re.compile(rb'"subject"\s*:\s*"([0-9a-f]{32})"')
_MOST: Final = 1_000_000
_MAX_LINE: Final = 1 << 20
_FURTHER_SLIPS: Final = 3  # so many slips a row may have got since the backup
_UNLOCKED: Final = 5  # so often a clerk may have unlocked it since: each time its slip becomes so many offers again


@dataclass(frozen=True, slots=True)
class IssuedRow:
    """A row that had brought a credential which the store does not know.

    Args:
        batch: id of its batch.
        title: what those who work with the batch call it.
        row: its number.
        offers: ids of the offers that were issued, the oldest first.
        slip: which slip of the row brought the last of them, from 0.
        handed_to: the DID of to whom its batch was handed over since the restore: they may issue it a second time.
    """

    batch: str
    title: str
    row: int
    offers: tuple[str, ...]
    slip: int = 0
    handed_to: str | None = None


@dataclass(frozen=True, slots=True)
class IssuedSince:
    """What a log tells of, and the store does not know.

    Args:
        rows: those that had brought a credential.
        others: ids of further offers that had.
        numbers: what stands for the numbers of these certificates, as the log names them, that somebody could get.
    """

    rows: tuple[IssuedRow, ...]
    others: tuple[str, ...]
    numbers: tuple[str, ...] = ()


def issued_ids(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Yield the ids of offers that were issued, as lines of a log or events tell (1), each with the word on its number.

    >>> list(issued_ids([b'{"event": "offer 00112233445566778899aabbccddeeff: issued"}', b"offer 0: issued"]))
    [('00112233445566778899aabbccddeeff', '')]
    """
    for line in lines:
        for offer_id, word in _ISSUED.findall(line):
            yield offer_id.decode(), word.decode()
        if _EVENT.search(line):
            yield from ((offer_id.decode(), "") for offer_id in _SUBJECT.findall(line))


async def issued_since(config: AgentConfig, tenant: str, logs: Sequence[Path]) -> IssuedSince:
    """Return what was issued after the backup from which the store was restored, as logs tell; nothing is changed.

    Args:
        config: of the agent, which does not run.
        tenant: the issuer's.
        logs: files, each the agent's log, or events.

    Raises:
        ConfigurationError: as with `opened_issuer`; or a log cannot be read.
    """
    issued = await asyncio.to_thread(_read, logs)  # 1
    async with opened_issuer(config, tenant) as issuer:
        batches = batch_desk_of(issuer)
        unknown = {offer_id for offer_id in issued if not await _is_known(issuer, offer_id)}  # 2
        numbers = await _open_numbers(issuer, {offer_id: issued[offer_id] for offer_id in unknown})
        rows: list[IssuedRow] = []
        if unknown:
            async for batch in batches.live(_LOOKED_FOR):
                for row in await _rows(issuer, batches, batch):
                    unknown.difference_update(row.lost)
                    offers = {offer_id: slip for offer_id, slip in _offers_of(batch, row) if offer_id in unknown}  # 3
                    unknown.difference_update(offers)
                    if offers:
                        slip = max(offers.values())
                        rows.append(IssuedRow(batch.id, batch.title, row.number, tuple(offers), slip, batch.handed_to))
    return IssuedSince(tuple(rows), tuple(sorted(unknown)), numbers)


async def leave_out(config: AgentConfig, tenant: str, since: IssuedSince) -> None:
    """Let nobody claim these rows, or get these numbers, any more (4, 5); again changes nothing.

    Arguments and errors as with `issued_since`.
    """
    async with opened_issuer(config, tenant) as issuer:
        batches = batch_desk_of(issuer)
        for entry_id in since.numbers:
            await issuer.desk.numbers.close_entry(entry_id)
        for row in since.rows:
            lost = LostCertificates(row.offers, row.slip)
            await batches.row_desk.leave_out(await batches.get(row.batch), row.row, by=OPERATOR.id, lost=lost)


async def _is_known(issuer: StoppedIssuer, offer_id: str) -> bool:
    offer = await issuer.desk.book.offers.get_or_none(offer_id)
    return offer is not None and offer.state.has_credential


async def _open_numbers(issuer: StoppedIssuer, issued: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return the numbers that a log names and that somebody could get (5)."""
    numbers, named = issuer.desk.numbers, set[str]()
    for offer_id, words in issued.items():
        named.update([entry_id for word in words if (entry_id := await numbers.hashes.entry_issued(offer_id, word))])
    return tuple(sorted([entry_id for entry_id in named if not await numbers.is_closed(entry_id)]))


async def _rows(issuer: StoppedIssuer, batches: BatchDesk, batch: Batch) -> list[BatchRow]:
    """Return the rows of a batch as they stand; only those that somebody has touched are read one by one."""
    states = [state_in(batch.id, state) for state in RowState]
    touched = {row.number: row async for row in batches.claiming.rows.every(state=states)}
    return [
        touched.get(claimed.number) or untouched(batch.id, claimed.number)
        async for claimed in read_claims(issuer.profile, batch)
    ]


def _offers_of(batch: Batch, row: BatchRow) -> Iterator[tuple[str, int]]:
    """Yield the ids of the offers that a row's slips, and those that it may have got since, may have become, by slip.

    Also of slips before the one that it has: it may have got that since the restore. Offers are counted on from slip to
    slip, and when a row is unlocked, too.
    """
    for turn in range(row.turn + min(_FURTHER_SLIPS, MOST_SLIPS - row.turn) + 1):
        slip = Slip(row.batch_id, row.number, turn)
        attempts = row.attempts + (max(0, turn - row.turn) + 1 + _UNLOCKED) * MOST_OFFERS
        for restore in range(0, batch.offers_from + 1, OFFERS_SKIPPED):  # it may have been restored before
            for offer_id in offer_ids_of_slip(slip, batch.secret, range(restore + 1, restore + attempts + 1)):
                yield offer_id, slip.turn


def _read(logs: Sequence[Path]) -> Mapping[str, set[str]]:
    """Return the ids of offers, each with the words on its number: one, if nobody has written into the log."""
    issued: defaultdict[str, set[str]] = defaultdict(set)
    for log in logs:
        try:
            with log.open("rb") as file:
                for offer_id, word in issued_ids(iter(partial(file.readline, _MAX_LINE), b"")):
                    issued[offer_id].update([word] if word else ())
                    if len(issued) > _MOST:
                        raise ConfigurationError(
                            f"{log}: expected at most {_MOST} credentials", hint="give the log from the backup on"
                        )
        except OSError as err:
            raise ConfigurationError(f"{log} cannot be read: {err.strerror}") from err
    return issued
