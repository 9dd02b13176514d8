"""One difference between two versions of a governance file, and how lists, days and levels are compared.

`differences` compares whole files; this module holds what its parts share.
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from wanderbuch.governance.facts import wording
from wanderbuch.governance.facts.groups import covers_whole
from wanderbuch.governance.facts.index import covers_code
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import without
from wanderbuch.schemas.countries import iso3166
from wanderbuch.schemas.local_text import DEFAULT_LANGUAGE

_MEMBERS_IN_WORDS: Final = {
    "ttl": "how long copies are kept",
    "docs_uri": "where to read more",
    "roles": "what programs see that read the basic part alone",
    "alias_dids": "further digital identities",
    "redress": "whom to appeal to",
    "accrediting_agent": "who decided",
}
_LEVEL: Final = re.compile(r"([A-Z]?)([0-9]{1,2}(?:\.5)?)")


class Effect(Enum):
    """What a difference does to trust."""

    GAIN = "gain"  # somebody may do, or counts for, more than before
    LOSS = "loss"  # somebody may do, or counts for, less than before
    CHANGE = "change"  # trust is different, neither simply more nor less
    NONE = "none"  # texts and addresses; no decision comes out otherwise


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is different.

    Args:
        code: a stable name for programs and translations, such as "accreditation.occupations-gained".
        subject: the DID, id or name that it is about.
        parameters: what the sentence is made of, as codes and plain values: "C7212", not its title.
        text: the sentence in English.
    """

    code: str
    effect: Effect
    subject: str
    text: str
    parameters: Mapping[str, str | int | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChangeSubject:
    """Whom or what several differences are about.

    Args:
        kind: first part of their codes, such as "accreditation".
        did: of whom they speak.
        name: how the file calls them.
        statement: id of the statement.
    """

    kind: str
    did: str
    name: str
    statement: str

    def differs(self, code: str, effect: Effect, text: str, **parameters: str | int | tuple[str, ...]) -> Difference:
        """Return a difference about this subject; `text` goes on after its name, or is a sentence after a colon."""
        own = {"did": self.did, "name": self.name, "statement": self.statement}
        space = "" if text.startswith(":") else " "
        sentence = f"{self.name}{space}{text}{f' ({self.statement})' if self.statement else ''}."
        return Difference(f"{self.kind}.{code}", effect, self.did, sentence, {**own, **parameters})


@dataclass(frozen=True, slots=True)
class ChangeWords:
    """How one list of a statement is spoken of: what is said when something came, and when something went.

    Args:
        labels: words for what the file writes as a code; what is not there is written as it stands.
        narrows: more in the list means less trust.
    """

    code: str
    gained: str
    lost: str
    narrows: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def effects(self) -> tuple[Effect, Effect]:
        """What gaining and losing mean for trust."""
        return (Effect.LOSS, Effect.GAIN) if self.narrows else (Effect.GAIN, Effect.LOSS)


def of_codes(
    subject: ChangeSubject, words: ChangeWords, before: Iterable[str], after: Iterable[str]
) -> Iterator[Difference]:
    """Compare lists of ISCO-08 codes, where each code stands for everything below it."""
    old, new = frozenset(before), frozenset(after)
    if old == new:
        return
    gained = tuple(sorted(code for code in new if not covers_whole(tuple(old), (), code)))
    lost = tuple(sorted(code for code in old if not covers_whole(tuple(new), (), code)))
    if not gained and not lost:
        text = f": {words.code} are written otherwise, and mean the same"
        yield subject.differs(f"{words.code}-rewritten", Effect.NONE, text)
    for codes, others, text, effect, code in (
        (gained, old, words.gained, words.effects[0], "gained"),
        (lost, new, words.lost, words.effects[1], "lost"),
    ):
        if codes:
            within = tuple(sorted(code for code in others if covers_code(codes, code)))
            but = f" (not new: {wording.occupations(within)})" if code == "gained" else (
                f" (but still {wording.occupations(within)})"
            )  # fmt: skip
            sentence = f"{text} {wording.occupations(codes)}{but if within else ''}"
            yield subject.differs(f"{words.code}-{code}", effect, sentence, codes=codes, unchanged=within)


def of_names(
    subject: ChangeSubject, words: ChangeWords, before: Iterable[str], after: Iterable[str]
) -> Iterator[Difference]:
    """Compare lists of names, codes or ids that mean only themselves."""
    old, new = frozenset(before), frozenset(after)
    if gained := tuple(sorted(new - old)):
        yield subject.differs(
            f"{words.code}-gained", words.effects[0], f"{words.gained} {_listed(words, gained)}", values=gained
        )
    if lost := tuple(sorted(old - new)):
        yield subject.differs(
            f"{words.code}-lost", words.effects[1], f"{words.lost} {_listed(words, lost)}", values=lost
        )


def of_days(
    subject: ChangeSubject, words: ChangeWords, before: tuple[DateSpan, ...], after: tuple[DateSpan, ...]
) -> Iterator[Difference]:
    """Compare normal tuples of spans, day by day."""
    for here, there, text, effect, code in (
        (after, before, words.gained, words.effects[0], "gained"),
        (before, after, words.lost, words.effects[1], "lost"),
    ):
        left = here
        for span in there:
            left = without(left, span)
        if left:
            days = tuple(f"{span.first}/{span.last}" for span in left)
            yield subject.differs(f"{words.code}-{code}", effect, f"{text} {wording.times(left)}", days=days)


def of_levels(
    subject: ChangeSubject, before: tuple[str, str, str], after: tuple[str, str, str], code: str = "levels-changed"
) -> Iterator[Difference]:
    """Compare level ranges, each as framework, lowest and highest level."""
    if before == after:
        return
    text = f": levels were {levels(before)} and are now {levels(after)}"
    yield subject.differs(code, _effect_of_levels(before, after), text, before=before, after=after)


def changed_texts(subject: ChangeSubject, pairs: Mapping[str, tuple[object, object]]) -> Iterator[Difference]:
    """Name the members whose texts or addresses differ; no decision rests on them."""
    changed = tuple(name for name, (before, after) in pairs.items() if before != after)
    if changed:
        named = (_MEMBERS_IN_WORDS.get(name, name.replace("_", " ")) for name in changed)
        text = f": texts or addresses changed: {', '.join(named)}"
        yield subject.differs("texts-changed", Effect.NONE, text, members=changed)


def matched[K: Hashable, V](old: Mapping[K, V], new: Mapping[K, V]) -> Iterator[tuple[K, V | None, V | None]]:
    """Yield each key whose values differ, with both values; in the order of `new`, then of `old`."""
    for key, now in new.items():
        was = old.get(key)
        if was != now:
            yield key, was, now
    for key, was in old.items():
        if key not in new:
            yield key, was, None


def places(codes: Iterable[str]) -> str:
    """Return countries with their names.

    >>> places(["MLT", "XXX"])
    'Malta (MLT), XXX'
    """
    labels = iso3166().codes
    return ", ".join(
        f"{labels[code].in_language(DEFAULT_LANGUAGE)} ({code})" if code in labels else code for code in codes
    )


def _listed(words: ChangeWords, values: tuple[str, ...]) -> str:
    return places(values) if words.code == "places" else ", ".join(words.labels.get(value, value) for value in values)


def levels(given: tuple[str, str, str]) -> str:
    """Return a level range, given as framework, lowest and highest level.

    >>> levels(("EQF", "2", "5")), levels(("EQF", "6", "6"))
    ('EQF 2 to 5', 'EQF 6')
    """
    framework, lowest, highest = given
    return f"{framework} {lowest}" if lowest == highest else f"{framework} {lowest} to {highest}"


def _effect_of_levels(before: tuple[str, str, str], after: tuple[str, str, str]) -> Effect:
    ranks = [_rank(level) for level in (*before[1:], *after[1:])]
    if before[0] != after[0] or any(rank is None for rank in ranks):
        return Effect.CHANGE
    old_low, old_high, new_low, new_high = (rank for rank in ranks if rank is not None)
    if new_low <= old_low and new_high >= old_high:
        return Effect.GAIN
    return Effect.LOSS if new_low >= old_low and new_high <= old_high else Effect.CHANGE


def _rank(level: str) -> tuple[str, float] | None:
    match = _LEVEL.fullmatch(level)
    return None if match is None else (match[1], float(match[2]))
