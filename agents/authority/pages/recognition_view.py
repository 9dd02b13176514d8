"""Which other authorities are recognised, for what, and since when: the rows of the table and the drawing beside it."""

from dataclasses import dataclass

from wanderbuch.agents.authority.pages.facts import Facts
from wanderbuch.agents.authority.pages.recognition_map import Drawing, drawing
from wanderbuch.agents.authority.pages.standing_view import Mandate, State
from wanderbuch.agents.site.languages import Language
from wanderbuch.agents.site.safe_text import plain
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import touches
from wanderbuch.governance.facts.statements import Recognition


@dataclass(frozen=True, slots=True)
class OtherAuthority:
    """Another authority and what this one says of it.

    Args:
        uri: where its file is, None if this file does not say.
    """

    did: Did
    name: str | None
    uri: str | None
    recognitions: tuple[Recognition, ...]
    counts: bool


def authorities(facts: Facts, days: DateSpan) -> list[OtherAuthority]:
    """Return every authority that the file recognises or names as trusted, by name.

    Args:
        facts: what is published.
        days: those that it is somewhere now.
    """
    file = facts.file
    uris = {trusted_governance.publisher: trusted_governance.uri for trusted_governance in file.trusted_governance}
    by_publisher: dict[Did, list[Recognition]] = {did: [] for did in uris}
    for recognition in file.recognitions:
        by_publisher.setdefault(recognition.publisher, []).append(recognition)
    listed = [
        OtherAuthority(
            did=did,
            name=_name(facts, did),
            uri=uris.get(did),
            recognitions=tuple(recognitions),
            counts=any(recognition_on(recognition, days).state is State.COUNTS for recognition in recognitions),
        )
        for did, recognitions in by_publisher.items()
    ]
    return sorted(listed, key=lambda other_authority: (other_authority.name or "~", other_authority.did))


def recognition_on(recognition: Recognition, days: DateSpan) -> Mandate:
    """Return what a recognition is while it is these days somewhere: lapsed, counting, later or ended."""
    for lapse in recognition.lapses:
        if touches((lapse.days,), days):
            return Mandate(State.SUSPENDED, lapse.days.first)
    for span in reversed(recognition.intervals):
        if touches((span,), days):
            return Mandate(State.COUNTS, span.last)
    later = [span.first for span in recognition.intervals if span.first > days.last]
    if later:
        return Mandate(State.LATER, min(later))
    return Mandate(State.ENDED, max((span.last for span in recognition.intervals), default=None))


def map_of(facts: Facts, listed: list[OtherAuthority], language: Language) -> Drawing:
    """Return the drawing of these authorities."""
    own = plain(facts.file.participant_name(facts.file.author) or facts.file.name)
    others = [
        (plain(other_authority.name or other_authority.did), other_authority.counts) for other_authority in listed
    ]
    return drawing(own, others, is_rtl=language.direction == "rtl")


def _name(facts: Facts, did: Did) -> str | None:
    own = facts.file.participant_name(did)
    if own is None and (governance_snapshot := facts.snapshot.recognised.get(did)):
        return governance_snapshot.file.participant_name(did) or governance_snapshot.file.name
    return own
