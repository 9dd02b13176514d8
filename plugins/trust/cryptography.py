"""Find out about a presentation: resolve what it names, verify the proof, ask for the status list in force.

Nothing is saved and nobody is told: unlike ACA-Py's `V20PresManager.verify_pres`, which marks the exchange done and
acknowledges before anyone has judged.
"""

import copy
import logging
import time
from typing import Any

from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.anoncreds.verifier import AnonCredsVerifier
from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile

from wanderbuch.errors import ResolutionError
from wanderbuch.faults import describe
from wanderbuch.plugins.trust.judgement import Findings
from wanderbuch.plugins.trust.presentation import ReceivedPresentation

LOGGER = logging.getLogger(__name__)

_CLOCK_SKEW_S = 300  # as ACA-Py allows for the time of a status list


async def find_out(profile: Profile, proof_request: dict[str, Any], received: ReceivedPresentation) -> Findings:
    """Resolve and verify a presentation.

    Args:
        profile: whose registries resolve.
        proof_request: as it was sent.
        received: checked by `judgement.check_identifiers`.

    Returns:
        What was found; `resolved` is false if anything it names could not be fetched and checked.
    """
    verifier = AnonCredsVerifier(profile)
    # ACA-Py's verifier changes both while it works.
    proof, request = copy.deepcopy(received.proof), copy.deepcopy(proof_request)
    try:
        schemas, cred_defs, registries, lists = await verifier.process_pres_identifiers(proof["identifiers"])
    except (BaseError, ResolutionError) as err:
        LOGGER.warning("a presentation names what could not be resolved: %s", describe(err))
        return Findings(resolved=False)
    if not _belong_together(received, cred_defs, registries):
        return Findings(resolved=True, consistent=False)
    holds, messages = await verifier.verify_presentation(request, proof, schemas, cred_defs, registries, lists)
    return Findings(
        resolved=True,
        consistent=True,
        holds=bool(holds),
        messages=tuple(messages),
        list_in_force=await _list_in_force(profile, received) if holds else None,
    )


def _belong_together(
    received: ReceivedPresentation, cred_defs: dict[str, dict[str, Any]], registries: dict[str, dict[str, Any]]
) -> bool:
    """Whether each definition is made for the named schema and each registry for the named definition."""
    return all(
        cred_defs[one.cred_def_id]["schemaId"] == one.schema_id
        and (one.registry is None or registries[one.registry]["credDefId"] == one.cred_def_id)
        for one in received.identifiers
    )


async def _list_in_force(profile: Profile, received: ReceivedPresentation) -> int | None:
    """Return the time of the newest status list of the one registry; None if it could not be had."""
    registry_ids = {one.registry for one in received.identifiers if one.registry is not None}
    if len(registry_ids) != 1:
        return None
    registry = profile.inject(AnonCredsRegistry)
    try:
        found = await registry.get_revocation_list(
            profile, registry_ids.pop(), timestamp_from=0, timestamp_to=int(time.time()) + _CLOCK_SKEW_S
        )
    except (BaseError, ResolutionError) as err:
        LOGGER.warning("the status list in force could not be resolved: %s", describe(err))
        return None
    timestamp = found.revocation_list.timestamp
    return timestamp if isinstance(timestamp, int) else None
