"""A centre hands over the open rows of a batch to whom the authority has named.

1. The authority's file, asked for now, names the successor of this DID, and that one's DID document has a key.
2. The batch ends here for good (`HANDED_OVER`): from then on no slip of it is claimed, by whichever process.
3. Row by row, with its turn: whoever was claiming it has ended; an offer that was open is withdrawn. If a wallet was
   faster, its credential stands, and the row is not handed over. A row that was left out is not either.
4. What is open is signed and sealed (`open_rows`); nothing is sent: the file is given out.

After a crash, or where a file got lost, the same again gives the same rows: the successor takes each over once.

Where the authority names another issuer than the one to which a batch was handed over, it is handed over anew: the
former one says, signed, which rows it has (`rows_here`), and these stay with it for good. It can say so once it is not
named any more, and then takes over none (`taking_over`). Where it cannot be asked, whoever hands over says that it has
none, and answers for that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.batch_records.batch import Batch, BatchStateError
from wanderbuch.agents.issuer.batch_records.row_pages import PAGE_ROWS
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.batches.claims import read_claims
from wanderbuch.agents.issuer.batches.reached import read_contacts
from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.issuer.succession.after_decision import is_after_decision
from wanderbuch.agents.issuer.succession.open_rows import MOST_ROWS, OpenRow, OpenRows, OpenRowsError, seal_open_rows
from wanderbuch.agents.issuer.succession.rows_here import read_rows_here
from wanderbuch.agents.runtime.problems import NotReadyError
from wanderbuch.errors import ConfigurationError, ExchangeError
from wanderbuch.governance.facts.identifiers import Did, WebvhDid
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.statements import Succession
from wanderbuch.governance.signed.jws import KeyResolver
from wanderbuch.plugins.exchange.connecting.did_documents import Contact, resolve_contact
from wanderbuch.plugins.webvh.own import own_did
from wanderbuch.plugins.webvh.signing import key_id, sign_as, wallet_key
from wanderbuch.store.records import utc_now


class NoSuccessorError(ExchangeError):
    """The authority has named nobody to go on with what this centre leaves open."""

    code = "exchange.no_successor"

    def __init__(self, handed_to: str | None = None) -> None:
        hint = "ask the authority to name one; until then the rows wait here"
        if handed_to is not None:  # the batch has ended here: nobody else can go on with it
            hint = f"this batch was handed over to {handed_to}: ask the authority to name that issuer again"
        super().__init__("the authority has named no issuer to go on with what this centre leaves open", hint=hint)


class AnotherNamedError(ExchangeError):
    """The authority names another successor now than the one that was confirmed."""

    def __init__(self, named: str) -> None:
        super().__init__(
            f"the authority names another successor now than the one that was confirmed: {named}",
            hint="look again at whom the rows go to, and confirm that one",
        )


@dataclass(frozen=True, slots=True)
class HandedPart:
    """A file for the successor.

    Args:
        successor: whose DID it is sealed to.
        sealed: the file; empty: no row of this part is open.
        rows: how many rows are in it.
        next_after: the number after which the next part begins; None: this is the last one.
    """

    successor: str
    sealed: bytes = field(repr=False)
    rows: int
    next_after: int | None


class HandingOver:
    """Hands over, for one issuer.

    Args:
        profile: of the issuer.
        did: the issuer's.
        standing: what the authority says.
        batches: whose rows are handed over.
        resolve_key: gives the keys of other DIDs.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        profile: Profile,
        did: WebvhDid,
        standing: Standing,
        batches: BatchDesk,
        resolve_key: KeyResolver,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._clock = clock
        self._profile = profile
        self._resolve_key = resolve_key
        self._did = did
        self._standing = standing
        self._batches = batches

    def successor(self) -> Succession | None:
        """Return whom the authority has named, as far as this agent knows; None: nobody."""
        snapshot = self._standing.snapshot()
        return None if snapshot is None else snapshot.file.succession_of(self._standing.did)

    async def hand_over(self, batch_id: str, *, by: str, after: int = 0, only_to: str | None = None) -> HandedPart:
        """Hand over the open rows of a batch, so many at a time; again gives what is still open.

        Args:
            batch_id: id of the batch.
            by: id of who.
            after: only rows with greater numbers.
            only_to: the DID of who was confirmed as the successor; None: whom the authority names now.

        Raises:
            NotFoundError: there is no such batch.
            NoSuccessorError: the authority has named nobody.
            AnotherNamedError: it names another one than was confirmed.
            NotReadyError: what it says now cannot be had.
            BatchStateError: the batch was cancelled, or handed over to another one (`OtherSuccessorError`).
            ExchangeError, ResolutionError: the successor's DID document does not say how to write to it.
        """
        batch, contact = await self._begun(batch_id, by=by, only_to=only_to)
        successor, next_after, looked_at = contact.did, None, 0
        open_claims: dict[int, Mapping[str, str]] = {}
        async for row in read_claims(self._profile, batch, after=after):
            claim = await self._batches.row_desk.open_row(batch, row.number)  # 3
            if claim:
                open_claims[row.number] = claim
            looked_at += 1
            if looked_at == MOST_ROWS:
                next_after = row.number
                break
        if not open_claims:
            return HandedPart(successor, b"", 0, next_after)
        contacts = await read_contacts(self._profile, batch, list(open_claims))
        rows = OpenRows(
            centre=self._did,
            successor=Did(successor),
            made_at=self._clock(),
            batch=batch.id,
            title=batch.title,
            credential_type=batch.credential_type,
            rows=tuple(
                OpenRow(number=number, claim=dict(claim), contact=dict(contacts.get(number, {})))
                for number, claim in open_claims.items()
            ),
        )
        sealed = await self._sealed(rows, contact.keys[0])  # 4
        return HandedPart(successor, sealed, len(rows.rows), next_after)

    async def begin(self, batch_id: str, *, by: str, only_to: str | None = None) -> Batch:
        """End a batch here for good (1, 2), and return it; arguments and errors as with `hand_over`."""
        return (await self._begun(batch_id, by=by, only_to=only_to))[0]

    async def hand_over_anew(
        self, batch_id: str, rows_here: bytes | None, *, by: str, only_to: str | None = None
    ) -> Batch:
        """Have a batch that was handed over go on at whom the authority names now; again changes nothing.

        Args:
            batch_id: its id.
            rows_here: what the issuer to which it was handed over says that it has; None: `by` says that it has none.
            by: id of who.
            only_to: as with `hand_over`.

        Raises:
            BatchStateError: it was never handed over.
            OpenRowsError, SignatureError: that is not what this issuer says.
            NoSuccessorError, AnotherNamedError, ExchangeError, ResolutionError: as with `hand_over`.
        """
        batch = await self._batches.get(batch_id)
        if batch.handed_to is None:
            raise BatchStateError("expected a batch that was handed over", hint="hand it over first")
        snapshot, named, contact = await self._named(batch, only_to)
        before, successor = batch.handed_to, str(named.successor)
        if before == successor:
            return batch
        if rows_here is not None:
            read_rows = await read_rows_here(
                rows_here, issuer=before, centre=str(self._did), resolve_key=self._resolve_key
            )
            if not is_after_decision(read_rows.made_at, named, snapshot, at=self._clock()):
                raise OpenRowsError(
                    "expected what the issuer says after the authority's decision, found an older word",
                    hint="it may have taken over more since: ask for it again",
                )
            kept = set(read_rows.batches.get(batch.id, ()))
            async for row in read_claims(self._profile, batch):
                if row.number in kept:
                    await self._batches.row_desk.give_up(batch, row.number, before)
        return await self._batches.hand_over(batch_id, contact.did, by=by, instead_of=before)

    def parts_of(self, batch: Batch) -> Sequence[int]:
        """Return after which rows the parts of a batch begin."""
        return [0, *(first - 1 for first in batch.numbers[MOST_ROWS // PAGE_ROWS :: MOST_ROWS // PAGE_ROWS])]

    def called(self, successor: str | None) -> str | None:
        """Return how the authority's file calls a successor, its DID where it does not.

        Args:
            successor: its DID; None: whom the authority has named now, if anybody.
        """
        snapshot, named = self._standing.snapshot(), self.successor()
        did = Did(successor) if successor is not None else None if named is None else named.successor
        if did is None or snapshot is None:
            return did
        return snapshot.file.participant_name(did) or did

    async def _begun(self, batch_id: str, *, by: str, only_to: str | None) -> tuple[Batch, Contact]:
        _, named, contact = await self._named(await self._batches.get(batch_id), only_to)
        return await self._batches.hand_over(batch_id, str(named.successor), by=by), contact  # 2

    async def _named(self, batch: Batch, only_to: str | None) -> tuple[GovernanceSnapshot, Succession, Contact]:
        """Return the authority's file, whom it names now, and how to write to that one (1)."""
        snapshot = await self._standing.ask()
        if snapshot is None or not snapshot.is_fresh(self._clock()):  # whom it named once may be no one to trust by now
            raise NotReadyError("it is not known whom the authority names now: its file cannot be had")
        named = snapshot.file.succession_of(self._standing.did)
        if named is None:
            raise NoSuccessorError(batch.handed_to)
        if only_to not in (None, str(named.successor)):
            raise AnotherNamedError(str(named.successor))
        return snapshot, named, await resolve_contact(self._profile, str(named.successor))

    async def _sealed(self, rows: OpenRows, to: str) -> bytes:
        own = await own_did(self._profile, self._did)
        if own is None:
            raise ConfigurationError(f"{self._did} is not a DID of this wallet")
        kid = key_id(own, own.assertion_keys[0])
        async with self._profile.session() as session:
            secret = await wallet_key(session, own.didcomm_key)

        async def sign(message: bytes) -> bytes:
            return (await sign_as(self._profile, kid, message))[1]

        return await seal_open_rows(rows, kid=kid, sign=sign, to=to, own=secret)
