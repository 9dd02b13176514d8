"""Proofs: made by the library directly, from one credential, with everything it needs at hand.

Which status list: the newest of all says whether the credential is revoked. Non-revocation is proven with that list,
too, unless the verifier asks about an earlier instant; then with the one that was in force then.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from acapy_agent.core.profile import Profile
from anoncreds import AnoncredsError, Credential, Presentation, PresentationRequest, PresentCredentials

from wanderbuch.agents.holder.asked import ProofRequest
from wanderbuch.agents.holder.fitting import HeldCredential
from wanderbuch.agents.holder.link_secret import link_secret
from wanderbuch.agents.holder.witnesses import Witness, Witnesses
from wanderbuch.errors import PresentationError, WanderbuchError
from wanderbuch.faults import describe
from wanderbuch.plugins.exchange.anoncreds.objects import LoadedDefinition, LoadedSchema, LoadedStatusList, Objects
from wanderbuch.store.tables import tenant_of

_LOG = logging.getLogger(__name__)
_MAX_PREPARING: Final = 16


@dataclass(frozen=True, slots=True)
class Answering:
    """A credential that is to answer a request.

    Args:
        held: the credential.
        newest: the newest status list of its registry; None if it has none.
    """

    credential: HeldCredential
    newest: LoadedStatusList | None


@dataclass(frozen=True, slots=True)
class AnsweredPart:
    """A credential that answers a part of a request, or all of it.

    Args:
        request: the part.
        signed: the credential as it is kept.
    """

    request: ProofRequest
    answering: Answering
    signed: bytes


@dataclass(frozen=True, slots=True)
class _Ready:
    """The same with everything that its proof takes."""

    part: AnsweredPart
    schema: LoadedSchema
    definition: LoadedDefinition
    witness: Witness | None


class Prover:
    """Makes the proofs of all wallets of a process; bound in the root injector."""

    def __init__(self) -> None:
        self._witnesses = Witnesses()
        self._preparing: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def prove(self, profile: Profile, asked: str, parts: Sequence[AnsweredPart]) -> str:
        """Return a presentation, in JSON.

        Args:
            profile: whose wallet.
            asked: the proof request as it came.
            parts: the credentials that answer it, each with what of it; they fit.

        Raises:
            ResolutionError: something that it takes could not be had.
            PresentationError: the proof could not be made.
        """
        objects, secret = profile.inject(Objects), await link_secret(profile)
        ready = [
            _Ready(
                part,
                await objects.schema(profile, part.answering.credential.schema_id),
                await objects.definition(profile, part.answering.credential.cred_def_id),
                await self._witness(profile, part.request, part.answering),
            )
            for part in parts
        ]
        try:
            return await asyncio.to_thread(_proof, asked, secret, ready)
        except (AnoncredsError, ValueError, TypeError) as err:
            raise PresentationError("the proof could not be made", hint="try again later") from err

    def prepare(self, profile: Profile, request: ProofRequest, fitting: Sequence[Answering]) -> None:
        """Make beside what the proofs of these credentials will need; without effect where much of that is going on."""
        for answering in fitting:
            key = (tenant_of(profile), answering.credential.id)
            if key not in self._preparing and len(self._preparing) < _MAX_PREPARING:
                task = asyncio.create_task(self._prepare(profile, request, answering), name="holder.prepare")
                self._preparing[key] = task
                task.add_done_callback(partial(self._ended, key))

    async def stop(self, profile: Profile) -> None:
        """End what is being prepared for a wallet."""
        tasks = [task for (tenant, _), task in self._preparing.items() if tenant == tenant_of(profile)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, key: tuple[str, str], _: asyncio.Task[None]) -> None:
        self._preparing.pop(key, None)

    async def _prepare(self, profile: Profile, request: ProofRequest, answering: Answering) -> None:
        objects = profile.inject(Objects)
        try:
            await link_secret(profile)
            await objects.schema(profile, answering.credential.schema_id)
            await objects.definition(profile, answering.credential.cred_def_id)
            await self._witness(profile, request, answering)
        except WanderbuchError as err:  # the person learns of it when they answer
            _LOG.info("holder: a proof could not be prepared: %s", describe(err))
        except Exception as err:  # noqa: BLE001 (nobody waits for it; the proof itself will fail where anybody sees it)
            _LOG.warning("holder: a proof could not be prepared", exc_info=err)

    async def _witness(self, profile: Profile, request: ProofRequest, answering: Answering) -> Witness | None:
        held_credential, status = answering.credential, answering.newest
        if not request.non_revoked or status is None or held_credential.rev_index is None:
            return None
        if request.until is not None and request.until < status.timestamp:
            status = await profile.inject(Objects).status_list(profile, status.registry_id, at=request.until)
        return await self._witnesses.get(profile, held_credential.id, held_credential.rev_index, status)


def _proof(asked: str, secret: str, parts: Sequence[_Ready]) -> str:
    chosen = PresentCredentials()
    for ready in parts:
        credential, request, witness = Credential.load(ready.part.signed), ready.part.request, ready.witness
        timestamp = None if witness is None else witness.status.timestamp
        state = None if witness is None else witness.state
        chosen.add_attributes(
            credential, *(group.referent for group in request.groups), reveal=True, timestamp=timestamp, rev_state=state
        )
        chosen.add_predicates(
            credential, *(predicate.referent for predicate in request.predicates), timestamp=timestamp, rev_state=state
        )
    made = Presentation.create(
        PresentationRequest.load(asked),
        chosen,
        {},
        secret,
        {ready.schema.id: ready.schema.handle for ready in parts},
        {ready.definition.id: ready.definition.handle for ready in parts},
    )
    text: str = made.to_json()
    return text
