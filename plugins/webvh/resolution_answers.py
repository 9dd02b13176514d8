"""What resolvers of AnonCreds objects answer ACA-Py, made of what was checked before, or of what was wrong with it."""

from collections.abc import Mapping
from typing import Any

from acapy_agent.anoncreds.base import AnonCredsObjectNotFound, AnonCredsResolutionError
from acapy_agent.anoncreds.models.revocation import GetRevListResult, RevList
from acapy_agent.messaging.models.base import BaseModelError

from wanderbuch.errors import WanderbuchError


def status_list_answer(content: Mapping[str, Any]) -> GetRevListResult:
    """Return a checked status list.

    Not `RevList.deserialize`: marshmallow takes 4 ms for each 1,000 places, and every one was checked just now.
    """
    status_list = RevList(
        issuer_id=content["issuerId"],
        rev_reg_def_id=content["revRegDefId"],
        revocation_list=list(content["revocationList"]),
        current_accumulator=content["currentAccumulator"],
        timestamp=content["timestamp"],
    )
    return GetRevListResult(status_list, {}, {})


def unresolved(
    err: WanderbuchError | BaseModelError, identifier: str, *missing: type[WanderbuchError]
) -> AnonCredsResolutionError | AnonCredsObjectNotFound:
    """Return the error for an object that could not be had; by one of the errors `missing` it is not there."""
    if isinstance(err, missing):
        return AnonCredsObjectNotFound(f"{identifier}: {err.message}", {"code": err.code})
    reason = err.message if isinstance(err, WanderbuchError) else "it is not a proper AnonCreds object"
    return AnonCredsResolutionError(f"{identifier}: {reason}")
