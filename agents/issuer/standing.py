"""What this issuer may attest, and with what: its credential definition, its registries, the governance file's word.

Coming to stand is resumable, in these steps; each finds what an earlier start left:

1. the authority's schema is known (configured, or named by the governance file), or on a ledger its own is written;
2. a credential definition on it is there;
3. one of its revocation registries is active;
4. a spare is made beside, as it takes a while.

Until 3 is done `waiting_for` says what is missing, offers are refused, and it is tried again.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from acapy_agent.anoncreds.issuer import AnonCredsIssuer
from acapy_agent.core.profile import Profile
from cachetools import LRUCache
from msgspec import structs

from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.credential_definition import ensure_definition, schema_in_force
from wanderbuch.agents.issuer.endorsed import ask_again
from wanderbuch.agents.issuer.on_ledger import ensure_key, ensure_schema
from wanderbuch.agents.issuer.places import Places
from wanderbuch.agents.issuer.registries import Registries, Registry
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.anoncreds_ids import CredDefId, SchemaId
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.file import NO_CROSSWALK, Accreditation
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.indy import UNKNOWN_LEDGER, OldNames
from wanderbuch.governance.facts.question import Reason, TrustDecision, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.plugins.trust.following.pacing import Backoff
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.plugins.trust.judgement_ground import JudgementGround
from wanderbuch.plugins.trust.offer import ReceivedOffer, ResolvedDefinition, judge_offer
from wanderbuch.schemas.claims import Claim, validate_claim
from wanderbuch.schemas.credential_type import CredentialType, load_credential_type
from wanderbuch.store.once import one_step

LOGGER = logging.getLogger(__name__)

_STANDS_AGAIN_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 60.0
_MAX_DECIDED: Final = 512
_AT_A_STRETCH: Final = 20  # claims that are judged before others have their turn
_MAKING_S: Final = 600.0  # keys of a definition take a while, large registries minutes


@dataclass(frozen=True, slots=True)
class Ground:
    """What offers are made on."""

    schema_id: SchemaId
    cred_def_id: CredDefId


@dataclass(frozen=True, slots=True)
class OfferDraft:
    """A claim as it would be offered, and whether it may be."""

    offer: ReceivedOffer
    decision: TrustDecision


class Standing:
    """What this issuer stands on."""

    def __init__(
        self,
        config: IssuerConfig,
        *,
        profile: Profile,
        did: Did,
        source: GovernanceSource,
        on_wanted: Callable[[], None],
    ) -> None:
        """Know where to look; nothing is made yet.

        Args:
            config: of the issuer.
            profile: whose wallet.
            did: the issuer.
            source: the governance file.
            on_wanted: is told when `keep` has something to do; must not wait.
        """
        self.did = did
        self.credential_type: CredentialType = load_credential_type(config.credential_type)
        self.waiting_for = "the agent to start"
        self._seed_file = config.indy_seed_file
        self._is_on_ledger = config.indy_did is not None
        self._configured_schema = SchemaId.parse(config.schema_id) if config.schema_id else None
        self._profile = profile
        self._old_names = profile.inject_or(OldNames) or UNKNOWN_LEDGER
        self._source = source
        self._registries = Registries(profile, size=config.registry_size)
        self.places = Places(profile, self._registries, on_nearly_full=on_wanted)
        self._ground: Ground | None = None
        self._decided: LRUCache[tuple[object, ...], tuple[JudgementGround, TrustDecision]] = LRUCache(_MAX_DECIDED)
        """The last yes, by what would be offered."""
        self._backoff = Backoff(longest_s=_LONGEST_PAUSE_S)
        self.look_again = on_wanted
        self._stands = asyncio.Event()
        """Have what is missing, and the registries, looked at now."""

    def ground(self) -> Ground | None:
        """Return what offers are made on; None while something is missing."""
        return self._ground

    def snapshot(self) -> GovernanceSnapshot | None:
        """Return the governance file in force."""
        return self._source.snapshot()

    async def current(self) -> GovernanceSnapshot | None:
        """Return the governance file in force, asked for again first where it may be an old one."""
        return await self._source.current()

    async def ask(self) -> GovernanceSnapshot | None:
        """Return the governance file in force after the authority was asked."""
        await self._source.ask()
        return self._source.snapshot()

    def accreditations(self) -> tuple[Accreditation, ...]:
        """Return what the governance file says of this issuer."""
        snapshot = self.snapshot()
        return snapshot.file.index.by_issuer.get(self.did, ()) if snapshot else ()

    async def registries(self) -> tuple[Registry, ...]:
        """Return the revocation registries, the active one first."""
        return await self._registries.all(self._ground.cred_def_id) if self._ground else ()

    async def refresh(self) -> None:
        """Ask the authority now, an endorser that refused too, and look again for what is missing."""
        if self._is_on_ledger:
            await ask_again(self._profile)
        await self._source.refresh()
        self.look_again()

    async def draft(self, claim: Mapping[str, object], *, at: datetime) -> OfferDraft:
        """Return a claim with all its credential values, judged as a careful holder will judge the offer.

        Raises:
            ClaimError: the claim does not fit its type.
            ValueError: there is no ground yet.
        """
        draft = self._drafted(claim, self.snapshot(), at)
        if draft.decision.verdict is not Verdict.TRUSTED:
            # The authority may have said more since: an answer of no rests on what it says now.
            await self._source.ask()
            draft = self._drafted(claim, self.snapshot(), at)
        return draft

    async def decisions(self, claims: Sequence[Mapping[str, object]], *, at: datetime) -> Sequence[TrustDecision]:
        """Return how the draft of each claim is judged; the authority is asked once for all that are refused.

        All are judged on the file in force as this begins, and those that it refuses on what it says then. Others have
        their turn in between. Errors as with `draft`.
        """
        snapshot = self.snapshot()
        decisions = [self._drafted(claim, snapshot, at).decision async for claim in _with_rests(claims)]
        refused = [number for number, decision in enumerate(decisions) if decision.verdict is not Verdict.TRUSTED]
        if refused:
            await self._source.ask()
            snapshot = self.snapshot()
            async for number in _with_rests(refused):
                decisions[number] = self._drafted(claims[number], snapshot, at).decision
        return decisions

    async def reasons_not_to_sign(self, offer: ReceivedOffer, *, at: datetime) -> tuple[Reason, ...]:
        """Return why the credential of an offer must not be signed now; empty if it may be.

        1. Its credential definition is one of this issuer's DID.
        2. A careful holder would find the offer TRUSTED, on the governance file in force now: the same judgement as
           when it was made, said again only where all that it rests on is the same. What cannot be checked is not
           signed.
        """
        if offer.cred_def_id.did != self.did:  # 1
            return (Reason("issuing.foreign", "The credential definition does not belong to this issuer."),)
        await self._source.current()
        decision = self._judged(offer, self.snapshot(), at)  # 2
        if decision.verdict is not Verdict.TRUSTED:
            await self._source.ask()
            decision = self._judged(offer, self.snapshot(), at)
        return () if decision.verdict is Verdict.TRUSTED else decision.reasons

    def _drafted(self, claim: Mapping[str, object], snapshot: GovernanceSnapshot | None, at: datetime) -> OfferDraft:
        if self._ground is None:
            raise ValueError("there is no credential definition yet")
        checked = validate_claim(self.credential_type, claim, at=days_anywhere(at).last)
        offer = ReceivedOffer(self._ground.schema_id, self._ground.cred_def_id, self._values(checked, snapshot))
        return OfferDraft(offer, self._judged(offer, snapshot, at))

    def _values(self, claim: Claim, snapshot: GovernanceSnapshot | None) -> Mapping[str, str]:
        """Return all credential values of a claim; its level by the crosswalk in force on the day of award."""
        eqf_level, crosswalk_version = 0, None
        level, awarded = claim.level, claim["awarded_on"]
        if snapshot is not None and level is not None and isinstance(awarded, date):
            eqf_level, version = snapshot.file.eqf_level(*level, awarded)
            crosswalk_version = None if version == NO_CROSSWALK else version
        return claim.to_values(eqf_level=eqf_level, crosswalk_version=crosswalk_version)

    def _judged(self, offer: ReceivedOffer, snapshot: GovernanceSnapshot | None, at: datetime) -> TrustDecision:
        kind = self.credential_type
        definition = ResolvedDefinition(offer.schema_id, kind.name, kind.version, kind.attr_names)
        ground = JudgementGround.of(snapshot, definition, at)
        offered = (offer.schema_id, offer.cred_def_id, *sorted(offer.values.items()))
        earlier = self._decided.get(offered)
        if earlier is not None and earlier[0] == ground:
            return structs.replace(earlier[1], decided_at=at)
        decision = judge_offer(offer, definition, snapshot, at=at, old_names=self._old_names)
        if decision.verdict is Verdict.TRUSTED:
            self._decided[offered] = ground, decision
        return decision

    async def stand_again(self) -> None:
        """Wait, but not long, until it stands as it did before this start; who never stood is not waited for.

        So of several processes one that has started again makes offers as soon as it says that it is ready.
        """
        if await AnonCredsIssuer(self._profile).get_created_credential_definitions(issuer_id=self.did):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STANDS_AGAIN_S):
                    await self._stands.wait()

    async def prepare(self) -> None:
        """Take steps 1 to 3.

        Raises:
            WanderbuchError: a step could not be taken; `waiting_for` says which.
        """
        async with one_step(self._profile, "standing", wait_s=_MAKING_S):  # so of all processes one makes a definition
            if self._is_on_ledger:
                self.waiting_for = "the key of its DID on the ledger"
                await ensure_key(self._profile, self.did, self._seed_file)
            self.waiting_for = "the authority's schema, which the governance file does not name yet"
            schema_id = self._schema()  # 1
            if schema_id is None:
                await self._source.ask()
                schema_id = self._schema()
            if schema_id is None and self._is_on_ledger:
                self.waiting_for = "its schema on the ledger"
                schema_id = await ensure_schema(self._profile, self.did, self.credential_type)
            if schema_id is None:
                return
            self.waiting_for = "its credential definition"
            cred_def_id = await ensure_definition(self._profile, self.did, schema_id)  # 2
            self.waiting_for = "a revocation registry"
            if not await self._registries.is_usable(cred_def_id):  # who has the turn may be a process that died
                await self._registries.ensure_active(cred_def_id)  # 3
            self._ground = Ground(schema_id, cred_def_id)
            self._stands.set()
            self.waiting_for = ""

    def _schema(self) -> SchemaId | None:
        return schema_in_force(self._configured_schema, self.credential_type.id, self.snapshot(), self.did)

    async def keep(self) -> float | None:
        """Get ready to issue, and keep registries ready; return in how many seconds to try again, None: no need to."""
        try:
            if self._ground is None:
                await self.prepare()
            if self._ground is not None:
                await self._registries.ensure_active(self._ground.cred_def_id)
                await self._registries.ensure_spare(self._ground.cred_def_id)  # 4
                self._backoff.succeeded()
                return None
        except WanderbuchError as err:
            told = err.message if err.hint is None else f"{err.message} ({err.hint})"
            LOGGER.warning("the issuer waits for %s: %s", self.waiting_for or "a registry", told)
            if self._is_on_ledger and self.waiting_for:  # people at a desk ask an operator or an endorser then
                self.waiting_for = f"{self.waiting_for}: {told}"
        except Exception:  # whatever it was, the issuer must not stop trying
            LOGGER.exception("the issuer waits for %s", self.waiting_for or "a registry")
        return self._backoff.failed()


async def _with_rests[T](items: Iterable[T]) -> AsyncIterator[T]:
    """Yield the items; others have their turn after every few."""
    for number, item in enumerate(items):
        if number and number % _AT_A_STRETCH == 0:
            await asyncio.sleep(0)
        yield item
