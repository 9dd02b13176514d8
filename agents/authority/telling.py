"""What a draft tells the event log."""

from collections.abc import Sequence

from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.store.event_kinds import Event, EventKind

_DECIDED = {
    "published": DraftState.PUBLISHED,
    "outdated": DraftState.OUTDATED,
    "reject": DraftState.REJECTED,
    "discard": DraftState.DISCARDED,
}
"""What a step of the trail is called that decides."""


def draft_events(draft: Draft) -> Sequence[Event]:
    """Return every decision in a draft's trail: one that was sent back may be taken up, and decided again."""
    return [
        Event(EventKind.DRAFT_DECIDED, draft.id, {"state": _DECIDED[step.what].value}, str(number))
        for number, step in enumerate(draft.trail, start=1)
        if step.what in _DECIDED
    ]
