"""The registries that a suspension names by itself: those that the suspect issuer lists.

Its list is its own word, and is not checked here: an issuer may list registries that it prepared and has not used yet,
and date awards back into them after the suspension. So only few are taken, only its own, and the draft's trail says
where they come from. An official who doubts the issuer names the registries, or none.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.identifiers import Did, IdentifierError
from wanderbuch.governance.facts.statuses import AnonCredsStatus, StatusId
from wanderbuch.governance.form.records import ParticipantRecord

LOGGER = logging.getLogger(__name__)

MAX_PINS: Final = 100
_MAX_PINNED_BYTES: Final = 512 * 1024
_NONE: Final = "none is named, so nothing that the issuer signed counts; name them in a draft"


@dataclass(frozen=True, slots=True)
class Pins:
    """What a suspension names.

    Args:
        statuses: their ids.
        note: for the draft's trail: where they come from, or why there are none.
    """

    statuses: tuple[str, ...]
    note: str


async def listed_by(issuer: str, find: Callable[[str], Awaitable[Sequence[str]]] | None) -> tuple[str, ...] | None:
    """Return the registries that an issuer lists; None if they cannot be found, for an emergency does not wait."""
    if find is None:
        return None
    try:
        return tuple(dict.fromkeys(await find(issuer)))
    except WanderbuchError as err:
        LOGGER.warning("the registries of %s could not be found: %s", issuer, err.message)
        return None


def pins(listed: Sequence[str] | None, issuer: str, record: ParticipantRecord | None) -> Pins:
    """Return the registries to name out of those that an issuer lists.

    All that are its own, or none if these are too many: its list must neither stop its suspension nor leave it a choice
    of which count. They stand in every accreditation of its record, and a record has to fit into a part of a divided
    file.

    Args:
        listed: by the issuer itself; None if that could not be found out.
        issuer: its DID.
        record: what the file says about it.
    """
    if listed is None:
        return Pins((), f"the issuer's list of registries could not be had: {_NONE}")
    own = tuple(pin for pin in listed if _is_of(issuer, pin))
    others = f"; {len(listed) - len(own)} that are not its own were left out" if len(own) < len(listed) else ""
    size = sum(map(len, own)) * len((record or {}).get("accreditations", ()))
    if len(own) > MAX_PINS or size > _MAX_PINNED_BYTES:
        LOGGER.warning("the issuer lists %d registries, too many to be named: none is, so nothing counts", len(own))
        return Pins((), f"the issuer lists {len(own)} registries, too many to be taken unseen: {_NONE}{others}")
    if not own:
        return Pins((), f"the issuer lists no registry: {_NONE}{others}")
    return Pins(own, f"named as the issuer itself lists them, unchecked: {len(own)}{others}")


def _is_of(issuer: str, registry: str) -> bool:
    try:
        status = StatusId.written(registry)
        return isinstance(status, AnonCredsStatus) and not status.is_of_another(Did.parse(issuer))
    except IdentifierError:
        return False
