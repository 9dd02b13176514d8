"""A successor takes over open rows of another centre, each once, as a batch of its own.

1. The file is sealed to us and signed by the centre (`open_rows`).
2. The authority's file, asked for now, names us as the centre's successor, by a decision that is older than the
   file (`after_decision`): what was handed over before may have gone to another one meanwhile.
3. A row is left where it is, and said so, with the reason: it is here already (`again`), or was, saying something else
   (`altered`); of a batch that was cancelled, only what came of it is here (`taken_over`). Or it is no claim of our
   credential type (`claim`); the centre was not accredited for it on the day of its
   award (`centre`); we may not attest it now, by our own accreditation for that day (`here`). What may be taken over
   later is, from the same file.
4. Its details say on whose assessment it is issued. A number that another certificate has here gives way to one of its
   own, and the details keep the old one.
5. What is left becomes a batch, with slips and PINs of its own: what a centre that lost its standing knows opens
   nothing here. It is one write that makes the batch whole and its rows taken.

One file of a centre is taken over at a time, among all processes.

Once the authority names another one, we say for that one's sake which rows we have (`rows_here`), and take over none.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.batch_records.batch import Batch
from wanderbuch.agents.issuer.batch_records.slips import own_number
from wanderbuch.agents.issuer.batch_records.taken_rows import claim_mark
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.batches.batch_plan import BatchPlan
from wanderbuch.agents.issuer.batches.taken_over import Taken, TakenMark
from wanderbuch.agents.issuer.class_list.contacts import CONTACTS, contact_of
from wanderbuch.agents.issuer.class_list.listed import NUMBER, ClassRow
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.issuer.succession.after_decision import is_after_decision
from wanderbuch.agents.issuer.succession.open_rows import OpenRow, OpenRows, OpenRowsError, read_open_rows
from wanderbuch.agents.issuer.succession.rows_here import RowsHere, sign_rows_here
from wanderbuch.agents.runtime.problems import NotReadyError
from wanderbuch.errors import ConfigurationError, CredentialError, ExchangeError
from wanderbuch.governance.deciding.standing import standing
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.identifiers import Did, WebvhDid
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.statements import Succession
from wanderbuch.governance.importing.problem import ValueProblem
from wanderbuch.governance.signed.jws import KeyResolver
from wanderbuch.plugins.webvh.own import own_did
from wanderbuch.plugins.webvh.signing import sign_as, wallet_key
from wanderbuch.schemas.claims import Claim, validate_claim
from wanderbuch.schemas.credential_type import CredentialType
from wanderbuch.store.records import new_id

DETAILS: Final = "details"
ABSENT: Final = "-"
"""What stands for no details in a claim."""
_AT_A_STRETCH: Final = 20  # rows that are judged before others have their turn


class NotSuccessorError(ExchangeError):
    """The authority has not named this issuer as the successor of the centre."""

    code = "exchange.not_successor"


class StillSuccessorError(ExchangeError):
    """The authority names this issuer as the successor of the centre, so what it has of that one is not the last."""

    code = "exchange.still_successor"


@dataclass(frozen=True, slots=True)
class LeftRow:
    """A row that is not taken over.

    Args:
        number: of the row at the centre.
        why: again, altered, claim, centre or here.
        text: what was found, without what the row says.
        batch: id of the batch here that has it already.
    """

    number: int
    why: str
    text: str
    batch: str | None = None


@dataclass(frozen=True, slots=True)
class TakeOver:
    """What a file hands over, as it stands now.

    Args:
        made_at: when the centre made the file, by its own word.
        rows: what is, or was, taken over, as it is issued here.
        left: what is not.
        renumbered: numbers of the rows whose certificates get numbers of their own.
    """

    centre: str
    centre_name: str
    batch: str
    title: str
    made_at: datetime
    rows: tuple[ClassRow, ...] = field(repr=False)
    left: tuple[LeftRow, ...]
    renumbered: tuple[int, ...]


class TakingOver:
    """Takes over, for one issuer.

    Args:
        profile: of the issuer.
        did: the agent's, to which files are sealed.
        label: how the issuer calls itself, where the authority's file does not say it.
        standing: what it may attest.
        batches: where the rows go on.
        resolve_key: gives the keys of other DIDs.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        profile: Profile,
        did: WebvhDid,
        label: str,
        standing: Standing,
        batches: BatchDesk,
        resolve_key: KeyResolver,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._profile = profile
        self._did = did
        self._label = label
        self._standing = standing
        self._batches = batches
        self._resolve_key = resolve_key
        self._clock = clock

    def centres(self) -> Sequence[Succession]:
        """Return for whom the authority has named us, as far as this agent knows."""
        snapshot = self._standing.snapshot()
        every = () if snapshot is None else snapshot.file.successions
        return [one for one in every if one.successor == self._did]

    async def former_centres(self) -> Sequence[Did]:
        """Return whose rows are here, and for whom the authority names us no more, as far as this agent knows."""
        named = {one.centre for one in self.centres()}
        return [
            centre for centre_did in await self._batches.taken.centres() if (centre := Did(centre_did)) not in named
        ]

    def called(self, centre: Did) -> str:
        """Return how the authority's file calls a centre, its DID where it does not."""
        snapshot = self._standing.snapshot()
        return (None if snapshot is None else snapshot.file.participant_name(centre)) or str(centre)

    async def read(self, received: bytes) -> TakeOver:
        """Return what a file would bring now; nothing is kept.

        Raises:
            OpenRowsError, SignatureError: it is no file for us, or not by whom it says.
            NotSuccessorError: the authority has not named us.
            NotReadyError: we cannot issue yet.
            ResolutionError: the centre's key could not be checked.
        """
        opened = await self._opened(received)
        return await self._judged(opened, await self._named(opened), for_good=False)

    async def take(
        self, received: bytes, plan: BatchPlan, *, by: str, batch_id: str | None = None
    ) -> tuple[Batch | None, TakeOver]:
        """Take over what a file brings; again changes nothing. Errors as with `read`, and as `BatchDesk.take`.

        Args:
            received: the file.
            plan: how the slips are given out; its title "" stands for the centre's.
            by: id of who.
            batch_id: of the batch that is made; by default a fresh one.

        Returns:
            The batch, None if there is nothing to take over, and what was found.
        """
        opened = await self._opened(received)
        await self._named(opened)  # before anything is kept of whoever signed it
        async with self._batches.taken.step(opened.centre):
            await self._batches.clear_half_taken(opened.centre)
            take_over = await self._judged(opened, await self._named(opened), for_good=True)
            if not take_over.rows:
                return None, take_over
            theirs = {row.number: row.claim for row in opened.rows}
            taken = Taken(
                opened.centre, opened.batch, claims={row.number: theirs[row.number] for row in take_over.rows}
            )
            titled = replace(plan, title=plan.title or opened.title, again=True)
            kind = self._standing.credential_type
            batch = await self._batches.take(batch_id or new_id(), take_over.rows, kind, titled, taken, by=by)  # 5
            return batch, take_over

    async def rows_here(self, centre: Did) -> bytes:
        """Return, signed, which rows of a centre are here, for whoever goes on with the others.

        Args:
            centre: its DID.

        Raises:
            StillSuccessorError: the authority names us: more may be taken over yet.
            NotReadyError: what it says is not known.
            ConfigurationError: this agent does not sign as its own DID.
        """
        snapshot = await self._standing.ask()
        if snapshot is None or not snapshot.is_fresh(self._clock()):
            raise NotReadyError("it is not known whom the authority names now: its file cannot be had")
        async with self._batches.taken.step(centre):
            named = snapshot.file.succession_of(centre)
            if named is not None and named.successor == self._did:
                raise StillSuccessorError(
                    "the authority names this issuer: it may take over more of that centre's rows yet",
                    hint="it says what it has once the authority names another one",
                )
            await self._batches.clear_half_taken(centre)
            rows = RowsHere(
                issuer=self._did,
                centre=centre,
                made_at=self._clock(),
                batches={batch: tuple(numbers) for batch, numbers in (await self._batches.taken.here(centre)).items()},
            )
        kid, _ = await sign_as(self._profile, self._did, b"")

        async def sign(message: bytes) -> bytes:
            return (await sign_as(self._profile, kid, message))[1]

        return await sign_rows_here(rows, kid=kid, sign=sign)

    async def _opened(self, received: bytes) -> OpenRows:
        own = await own_did(self._profile, self._did)
        if own is None:
            raise ConfigurationError(f"{self._did} is not a DID of this wallet")
        async with self._profile.session() as session:
            keys = {own.didcomm_key: await wallet_key(session, own.didcomm_key)}
        return await read_open_rows(received, successor=str(self._did), keys=keys, resolve_key=self._resolve_key)  # 1

    async def _named(self, opened: OpenRows) -> GovernanceSnapshot:
        """Return the authority's file, which names us as the successor (2)."""
        if self._standing.ground() is None:
            self._standing.look_again()
            raise NotReadyError(f"this issuer cannot issue yet: {self._standing.waiting_for}")
        snapshot = await self._standing.ask()
        named = None if snapshot is None else snapshot.file.succession_of(Did(opened.centre))
        if snapshot is None or named is None or named.successor != self._did:
            raise NotSuccessorError(
                "the authority has not named this issuer to go on with what that centre leaves open",
                hint="ask the authority; its file says who goes on for whom",
            )
        if not is_after_decision(opened.made_at, named, snapshot, at=self._clock()):
            raise OpenRowsError(
                "expected a file that was made after the authority's decision, found an older one",
                hint="what it brings may have gone to another issuer meanwhile: ask the centre for it again",
            )
        return snapshot

    async def _judged(self, opened: OpenRows, snapshot: GovernanceSnapshot, *, for_good: bool) -> TakeOver:
        """Return what would be taken over (3, 4); `for_good` as with `TakenOver.marks`."""
        at, kind = self._clock(), self._standing.credential_type
        name = snapshot.file.participant_name(Did(opened.centre)) or opened.centre
        if opened.credential_type != kind.id:
            raise ExchangeError(
                f"expected rows of {kind.id}, which this issuer issues, found {opened.credential_type}",
                hint="an issuer of that type takes them over",
            )
        numbers = {row.number for row in opened.rows}
        taken = await self._batches.taken.marks(opened.centre, opened.batch, numbers, for_good=for_good)
        left: list[LeftRow] = []
        fit: list[OpenRow] = []
        for done, row in enumerate(opened.rows):
            if done % _AT_A_STRETCH == 0:
                await asyncio.sleep(0)
            if (known := _known_here(row, taken.get(row.number))) is not None:
                left.append(known)
            elif isinstance(claim := _claim(row.number, row.claim, kind, at), LeftRow):
                left.append(claim)
            elif (text := _centre_stood(snapshot, Did(opened.centre), claim, at)) is not None:
                left.append(LeftRow(row.number, "centre", text))
            else:
                fit.append(row)
        written, renumbered = await self._issued_here(opened, fit, snapshot, name)
        rows = []
        for issued in written:  # what was added may be more than an attribute takes: that row alone stays out
            checked = _claim(issued.number, issued.claim, kind, at)
            if isinstance(checked, LeftRow):
                left.append(checked)
            else:
                rows.append(issued)
        decisions = await self._standing.decisions([row.claim for row in rows], at=at)
        kept = []
        for issued, decision in zip(rows, decisions, strict=True):
            if decision.verdict is Verdict.TRUSTED:
                kept.append(issued)
            else:
                text = " ".join(reason.text for reason in decision.reasons)
                left.append(LeftRow(issued.number, "here", text))
        numbers = {row.number for row in kept}
        return TakeOver(
            centre=opened.centre,
            centre_name=name,
            batch=opened.batch,
            title=opened.title,
            made_at=opened.made_at,
            rows=tuple(kept),
            left=tuple(sorted(left, key=lambda one: one.number)),
            renumbered=tuple(number for number in renumbered if number in numbers),
        )

    async def _issued_here(
        self, opened: OpenRows, fit: Sequence[OpenRow], snapshot: GovernanceSnapshot, centre_name: str
    ) -> tuple[list[ClassRow], list[int]]:
        """Return rows as they are issued here, and which of them get a number of their own (4)."""
        kind, own_name = self._standing.credential_type, snapshot.file.participant_name(self._standing.did)
        claims = [(row.number, dict(row.claim)) for row in fit]
        others = await self._batches.claiming.numbers.taken("", claims)
        rows = []
        for row in fit:
            claim, contact = dict(row.claim), _contact(row)
            told = f"Issued by {own_name or self._label} on the assessment of {centre_name} ({opened.centre})"
            if row.number in others:
                told += f", where it has the number {claim[NUMBER]}"
                claim[NUMBER] = own_number(opened.batch, row.number)
            if DETAILS in kind.attr_names:
                written = claim.get(DETAILS, "").strip()
                claim[DETAILS] = f"{'' if written == ABSENT else written} ({told}.)".strip()
            rows.append(ClassRow(row.number, claim, contact))
        return rows, sorted(others)


def _known_here(row: OpenRow, known: TakenMark | None) -> LeftRow | None:
    if known is None:
        return None
    ours = None if known.batch is None else known.batch.id
    if known.batch is not None and claim_mark(known.batch, row.claim) != known.mark:
        return LeftRow(row.number, "altered", "This row is here already, and said something else then.", ours)
    return LeftRow(row.number, "again", "This row is here already.", ours) if known.is_here else None


def _claim(number: int, claim: Mapping[str, str], kind: CredentialType, at: datetime) -> Claim | LeftRow:
    try:
        return validate_claim(kind, claim, at=days_anywhere(at).last)
    except CredentialError as err:
        return LeftRow(number, "claim", err.message)


def _centre_stood(snapshot: GovernanceSnapshot, centre: Did, claim: Claim, at: datetime) -> str | None:
    """Return why a centre did not count for an award on its day; None: it did, in some place."""
    awarded, level = claim["awarded_on"], claim.level
    if not isinstance(awarded, date):
        return "The day of the award is missing."
    eqf_level = snapshot.file.eqf_level(*level, awarded)[0] if level is not None else 0
    accreditations = snapshot.file.index.by_issuer.get(centre, ())
    text = "The authority's file says nothing of what that centre counts for."
    for jurisdiction in sorted({place for accreditation in accreditations for place in accreditation.jurisdictions}):
        decision = standing(
            snapshot,
            issuer=centre,
            occupation=claim.about,
            jurisdiction=jurisdiction,
            at=at,
            on=awarded,
            eqf_level=eqf_level or None,
            credential_type=claim.credential_type.id,
        )
        if decision.verdict is Verdict.TRUSTED:
            return None
        text = " ".join(reason.text for reason in decision.reasons)
    return text


def _contact(row: OpenRow) -> Mapping[str, str]:
    """Return how a person is reached, read anew: what cannot be read is left out."""
    contact: dict[str, str] = {}
    for name in CONTACTS:
        if name in row.contact:
            with suppress(ValueProblem):
                contact[name] = contact_of(name, row.contact[name])
    return contact
