"""What this issuer may attest, and with what: its credential definition, its registries, the governance file's word.

Coming to stand is resumable, in these steps; each finds what an earlier start left:

1. the authority's schema is known (configured, or named by the governance file);
2. a credential definition on it is there;
3. one of its revocation registries is active;
4. a spare is made beside, as it takes a while.

Until 3 is done `waiting_for` says what is missing, offers are refused, and it is tried again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from acapy_agent.anoncreds.issuer import AnonCredsIssuer
from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.credential_definition import ensure_definition, schema_in_force
from wanderbuch.agents.issuer.places import Places
from wanderbuch.agents.issuer.registries import Registries, Registry, is_nearly_full
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.anywhere import days_anywhere
from wanderbuch.governance.file import NO_CROSSWALK, Accreditation
from wanderbuch.governance.identifiers import CredDefId, SchemaId, WebvhDid
from wanderbuch.governance.question import TrustDecision, Verdict
from wanderbuch.governance.snapshot import GovernanceSnapshot
from wanderbuch.plugins.trust.issuing import IssuedCredential
from wanderbuch.plugins.trust.offer import ReceivedOffer, ResolvedDefinition, judge_offer
from wanderbuch.plugins.trust.once import one_step
from wanderbuch.plugins.trust.pacing import Backoff
from wanderbuch.plugins.trust.source import GovernanceSource
from wanderbuch.schemas.claims import Claim, validate_claim
from wanderbuch.schemas.credential_type import CredentialType, load_credential_type
from wanderbuch.store.tables import tables_of

LOGGER = logging.getLogger(__name__)

_STANDS_AGAIN_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 60.0
_MAKING_S: Final = 600.0  # keys of a definition take a while, large registries minutes


@dataclass(frozen=True, slots=True)
class Ground:
    """What offers are made on."""

    schema_id: SchemaId
    cred_def_id: CredDefId


@dataclass(frozen=True, slots=True)
class Draft:
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
        did: WebvhDid,
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
        self._configured_schema = SchemaId.parse(config.schema_id) if config.schema_id else None
        self._registry_size = config.registry_size
        self._profile = profile
        self._source = source
        self._registries = Registries(profile, size=config.registry_size)
        shared = tables_of(profile).engine.is_shared
        self.places = Places(self._registries, size=config.registry_size, is_shared=shared)
        self._ground: Ground | None = None
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

    def accreditations(self) -> tuple[Accreditation, ...]:
        """Return what the governance file says of this issuer."""
        snapshot = self.snapshot()
        return snapshot.file.index.by_issuer.get(self.did, ()) if snapshot else ()

    async def registries(self) -> tuple[Registry, ...]:
        """Return the revocation registries, the active one first."""
        return await self._registries.all(self._ground.cred_def_id) if self._ground else ()

    async def refresh(self) -> None:
        """Ask the authority now, and look again for what is missing."""
        await self._source.refresh()
        self.look_again()

    async def draft(self, claim: Mapping[str, object], *, at: datetime) -> Draft:
        """Return a claim with all its credential values, judged as a careful holder will judge the offer.

        Raises:
            ClaimError: the claim does not fit its type.
            ValueError: there is no ground yet.
        """
        if self._ground is None:
            raise ValueError("there is no credential definition yet")
        checked = validate_claim(self.credential_type, claim, at=days_anywhere(at).last)
        draft = self._judged(self._ground, checked, at)
        if draft.decision.verdict is not Verdict.TRUSTED:
            # The authority may have said more since: an answer of no rests on what it says now.
            await self._source.ask()
            draft = self._judged(self._ground, checked, at)
        return draft

    def _judged(self, ground: Ground, claim: Claim, at: datetime) -> Draft:
        snapshot = self.snapshot()
        eqf_level, crosswalk_version = 0, None
        framework, level, awarded = claim["framework"], claim["framework_level"], claim["awarded_on"]
        if snapshot is not None and isinstance(awarded, date):
            eqf_level, version = snapshot.file.eqf_level(str(framework), str(level), awarded)
            crosswalk_version = None if version == NO_CROSSWALK else version
        values = claim.to_values(eqf_level=eqf_level, crosswalk_version=crosswalk_version)
        offer = ReceivedOffer(ground.schema_id, ground.cred_def_id, values)
        kind = self.credential_type
        definition = ResolvedDefinition(ground.schema_id, kind.name, kind.version, kind.attr_names)
        return Draft(offer, judge_offer(offer, definition, snapshot, at=at))

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
            self.waiting_for = "the authority's schema, which the governance file does not name yet"
            schema_id = schema_in_force(self._configured_schema, self.credential_type.id, self.snapshot())  # 1
            if schema_id is None:
                await self._source.ask()
                schema_id = schema_in_force(self._configured_schema, self.credential_type.id, self.snapshot())
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

    async def keep(self) -> float | None:
        """Come to stand, and keep registries ready; return in how many seconds to try again, None: no need to."""
        try:
            if self._ground is None:
                await self.prepare()
            if self._ground is not None:
                await self._registries.ensure_active(self._ground.cred_def_id)
                await self._registries.ensure_spare(self._ground.cred_def_id)  # 4
                self._backoff.succeeded()
                return None
        except WanderbuchError as err:
            LOGGER.warning("the issuer waits for %s: %s", self.waiting_for or "a registry", err.message)
        except Exception:  # whatever it was, the issuer must not stop trying
            LOGGER.exception("the issuer waits for %s", self.waiting_for or "a registry")
        return self._backoff.failed()

    def note_issued(self, credential: IssuedCredential) -> None:
        """Look whether it is time for the next registry."""
        if credential.index is not None and is_nearly_full(size=self._registry_size, used=credential.index):
            self.look_again()
