"""Find out about a presentation: resolve what it names, verify the proof, ask for the status list in force.

Nothing is saved and nobody is told. The library is called directly, in another thread, with objects at hand; all that
ACA-Py's `AnonCredsVerifier.verify_presentation` checks is checked, in its order (docs/adr/0034 has the table):

1. Everything that is named resolves, and belongs together: the definition is of the schema, the registry of the
   definition.
2. Intervals that ask for non-revocation of what cannot be revoked are taken out, with a message (`RMV_…`): by ACA-Py's
   own `non_revoc_intervals`.
3. Timestamps: none where nothing can be revoked, none in the future, none without a registry, one exactly where one was
   asked for; outside of the interval asked for is a message (`TS_OUT_NRI`). What ACA-Py's `check_timestamps` says of a
   request of ours, without resolving definitions a second time.
4. What is shown is what is proven, part by part, and each predicate has the attribute and the bound that were asked
   for: by ACA-Py's own `pre_verify`.
5. Each predicate has the comparison that was asked for, and is about the value in the credential. Neither ACA-Py nor
   the library looks at that: there, "level 1 is at most 3" answers "at least 3", and any number will do for the level.
6. The proof holds.

One look at the registry's host serves both the list that the proof uses and the one in force, unless they differ.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from acapy_agent.anoncreds.verifier import AnonCredsVerifier, PresVerifyMsg
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.util import canon
from anoncreds import AnoncredsError, Presentation, PresentationRequest

from wanderbuch.errors import ResolutionError
from wanderbuch.faults import describe
from wanderbuch.plugins.exchange.anoncreds.objects import (
    CLOCK_SKEW_S,
    LoadedDefinition,
    LoadedRegistry,
    LoadedSchema,
    LoadedStatusList,
    Objects,
)
from wanderbuch.plugins.exchange.json_text import to_json
from wanderbuch.plugins.trust.verifying.anoncreds.presentation import ReceivedPresentation, UnverifiedIdentifier
from wanderbuch.plugins.trust.verifying.anoncreds.rules import Findings

LOGGER = logging.getLogger(__name__)

_OUTSIDE: Final = PresVerifyMsg.TSTMP_OUT_NON_REVOC_INTRVAL.value
_PARTS: Final = ("requested_attributes", "requested_predicates")
_COMPARISONS: Final = {">=": "GE", ">": "GT", "<=": "LE", "<": "LT"}
"""What a proof calls a comparison of a request (AnonCreds 1.0, Generate the Presentation)."""


@dataclass(frozen=True, slots=True)
class _Named:
    """What one sub-proof names, resolved.

    Args:
        timestamp: as the presentation states it, whether or not it proves anything of it.
        used: the status list of that instant.
        in_force: the newest one; None if it could not be had, or need not be.
    """

    schema: LoadedSchema
    definition: LoadedDefinition
    registry: LoadedRegistry | None
    timestamp: int | None
    used: LoadedStatusList | None
    in_force: LoadedStatusList | None


async def find_out(
    profile: Profile | None,
    objects: Objects,
    proof_request: Mapping[str, Any],
    received: ReceivedPresentation,
    *,
    at: datetime | None = None,
) -> Findings:
    """Resolve and verify a presentation.

    Args:
        profile: whose registries resolve, where `objects` needs one.
        objects: what is resolved already, and what resolves.
        proof_request: as it was sent.
        received: checked by `rules.check_identifiers`.
        at: the instant that nothing may be dated after; None for now.

    Returns:
        What was found; `resolved` is false if anything it names could not be fetched and checked.
    """
    stated = [identifier.get("timestamp") for identifier in received.proof["identifiers"]]
    try:
        named = await asyncio.gather(
            *(
                _resolve(profile, objects, one, timestamp)
                for one, timestamp in zip(received.identifiers, stated, strict=True)
            )
        )
    except ResolutionError as err:
        LOGGER.warning("a presentation names what could not be resolved: %s", describe(err))
        return Findings(resolved=False)
    if not all(_belongs_together(part) for part in named):  # 1
        return Findings(resolved=True, consistent=False)
    now = int(time.time() if at is None else at.timestamp())
    if any(_is_in_future(part, now) for part in named):
        return Findings(resolved=True, consistent=True, clocks_differ=True)
    verifier, request = AnonCredsVerifier(profile), _own_copy(proof_request)
    try:
        messages = verifier.non_revoc_intervals(request, received.proof, _revocable(named))  # 2
        messages += _check_timestamps(request, received, named, now=now)  # 3
        messages += await verifier.pre_verify(request, received.proof)  # 4
        _check_predicates(request, received.proof, named)  # 5
    except ValueError as err:  # says which part, no value
        return Findings(resolved=True, consistent=True, holds=False, messages=(str(err),))
    holds = await asyncio.to_thread(_verify, request, received.proof, named)  # 6
    return Findings(
        resolved=True,
        consistent=True,
        holds=holds,
        messages=tuple(messages),
        lists_in_force=tuple(_list_in_force(part) for part in named) if holds else (),
    )


async def _resolve(
    profile: Profile | None, objects: Objects, one: UnverifiedIdentifier, timestamp: int | None
) -> _Named:
    """What has a host of its own is asked for at once: each of them may be slow."""
    schema, definition, (registry, in_force) = await asyncio.gather(
        objects.schema(profile, one.schema_id),
        objects.definition(profile, one.cred_def_id),
        _registry_and_list(profile, objects, one.registry, is_list_needed=timestamp is not None),
    )
    if registry is None or timestamp is None:
        return _Named(schema, definition, registry, timestamp, None, None)
    used = in_force
    if in_force is None or in_force.timestamp != timestamp:
        used = await objects.status_list(profile, registry.id, at=timestamp)
    return _Named(schema, definition, registry, timestamp, used, in_force)


async def _registry_and_list(
    profile: Profile | None, objects: Objects, registry_id: str | None, *, is_list_needed: bool
) -> tuple[LoadedRegistry | None, LoadedStatusList | None]:
    """One after the other: the list's look at the registry's host brings nothing again that came just now."""
    if registry_id is None:
        return None, None
    registry = await objects.registry(profile, registry_id)
    if not is_list_needed:
        return registry, None
    try:
        return registry, await objects.status_list(profile, registry_id, also_of_future=True)
    except ResolutionError as err:
        LOGGER.warning("the status list in force could not be resolved: %s", describe(err))
        return registry, None


def _belongs_together(named: _Named) -> bool:
    return named.definition.schema_id == named.schema.id and (
        named.registry is None or named.registry.cred_def_id == named.definition.id
    )


def _is_in_future(named: _Named, now: int) -> bool:
    """Return whether the issuer really has published a list of a time that is still to come: a clock is wrong.

    Also where the proof is from an older one: the one that is to come may revoke what the older one does not.
    """
    is_used = named.used is not None and named.timestamp == named.used.timestamp > now + CLOCK_SKEW_S
    return is_used or (named.in_force is not None and named.in_force.timestamp > now + CLOCK_SKEW_S)


def _own_copy(proof_request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request from which intervals can be taken out."""
    return {
        **proof_request,
        **{name: {key: dict(item) for key, item in proof_request[name].items()} for name in _PARTS},
    }


def _revocable(named: Sequence[_Named]) -> dict[str, dict[str, Any]]:
    """Return what ACA-Py's `non_revoc_intervals` looks at in credential definitions."""
    return {
        part.definition.id: {"value": {"revocation": True} if part.definition.is_revocable else {}} for part in named
    }


def _check_timestamps(
    request: Mapping[str, Any], received: ReceivedPresentation, named: Sequence[_Named], *, now: int
) -> list[str]:
    """Rule 3: return messages.

    Raises:
        ValueError: a timestamp is wrong.
    """
    for number, shown in enumerate(named):
        if shown.timestamp is None:
            continue
        if not shown.definition.is_revocable:
            raise ValueError(f"Timestamp in presentation identifier #{number} for a credential that cannot be revoked")
        if shown.timestamp > now + CLOCK_SKEW_S:
            raise ValueError(f"Timestamp in presentation identifier #{number} is in the future")
        if shown.registry is None:
            raise ValueError(f"Timestamp in presentation identifier #{number} without a revocation registry")
    used = {name: group.sub_proof for name, group in received.groups.items()} | dict(received.predicates)
    messages: list[str] = []
    for part in _PARTS:
        for referent, asked in request[part].items():
            index = used.get(referent)
            if index is None:
                raise ValueError(f"Missing requested part {referent}")
            if not named[index].definition.is_revocable:
                continue
            interval, timestamp = asked.get("non_revoked") or request.get("non_revoked"), named[index].timestamp
            if (timestamp is not None) != bool(interval):
                wrong = "missing" if timestamp is None else "superfluous"
                raise ValueError(f"Timestamp on sub-proof #{index} is {wrong} vs. requested part {referent}")
            if interval and timestamp is not None:
                is_inside = interval.get("from", 0) < timestamp < interval.get("to", now)
                messages += [] if is_inside else [f"{_OUTSIDE}::{referent}"]
    return messages


def _check_predicates(request: Mapping[str, Any], proof: Mapping[str, Any], named: Sequence[_Named]) -> None:
    """Rule 5: see that each predicate is proven as it was asked, of the value in the credential.

    The sub-proof hides that value, and answers the one challenge with `m` for it and with `mj` in the predicate: the
    same number, or it is another value.

    Raises:
        ValueError: one is not; `pre_verify` has seen that there are such parts.
    """
    for referent, asked in request["requested_predicates"].items():
        number = proof["requested_proof"]["predicates"][referent]["sub_proof_index"]
        attribute, primary = canon(asked["name"]), proof["proof"]["proofs"][number]["primary_proof"]
        wanted = {"attr_name": attribute, "p_type": _COMPARISONS.get(asked["p_type"]), "value": asked["p_value"]}
        equal = primary["eq_proof"]
        shown, answers = equal.get("revealed_attrs"), equal.get("m")
        if not isinstance(shown, Mapping) or not isinstance(answers, Mapping):
            raise ValueError(f"Sub-proof #{number} is no proof")  # noqa: TRY004 (as all that this rule finds)
        is_hidden = attribute in map(canon, named[number].schema.attr_names) and attribute not in shown
        answer = answers.get(attribute)
        proven = [one.get("predicate") for one in primary["ge_proofs"] if answer and one.get("mj") == answer]
        if not is_hidden or wanted not in proven:
            raise ValueError(f"Predicate not found: {attribute}, as it was asked and of the credential's value")


def _verify(request: Mapping[str, Any], proof: Mapping[str, Any], named: Sequence[_Named]) -> bool:
    registries = {part.registry.id: part.registry.handle for part in named if part.registry is not None}
    lists = {(part.used.registry_id, part.used.timestamp): part.used.handle for part in named if part.used is not None}
    try:
        return bool(
            Presentation.load(to_json(proof)).verify(
                PresentationRequest.load(to_json(request)),
                {part.schema.id: part.schema.handle for part in named},
                {part.definition.id: part.definition.handle for part in named},
                registries,
                list(lists.values()),
            )
        )
    except AnoncredsError as err:
        LOGGER.info("a proof could not be verified: %s", type(err).__name__)
        return False


def _list_in_force(named: _Named) -> int | None:
    """Return the time of the newest status list of a sub-proof's registry; None if it could not be had."""
    return None if named.in_force is None else named.in_force.timestamp
