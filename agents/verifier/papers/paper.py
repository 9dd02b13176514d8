"""What can be said of a certificate that nobody can check: whether its centre counted on that day, and what to do.

1. It is never TRUSTED. Anybody can print what they like, so nothing follows from what it says about itself: neither
   that the centre made it, nor that it is still valid, nor whose it is.
2. Whether the centre counted for such work, there and on that day, is answered by the rules for issuers alone
   (`deciding.standing`); it is said beside the verdict and changes nothing about it.
3. The centre is found by its DID or by its name in the file, or in that of a recognised authority: the whole name,
   without case and signs. A name that several have is refused, with the choices.
4. The note asks the centre for a digital certificate. It names the work, the day and who asked; it names no holder.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Final

from wanderbuch.agents.site.folding import words_of
from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.site.rendering import Kit
from wanderbuch.agents.site.safe_text import plain
from wanderbuch.errors import CredentialError
from wanderbuch.governance.deciding.standing import standing
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import Purpose, TrustDecision, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot

KIT: Final = Kit("wanderbuch.agents.verifier.papers")
_MOST_CHOICES: Final = 12


class PaperKind(Enum):
    """What was shown."""

    PAPER = "paper"
    UNKNOWN_FORMAT = "unknown_format"


class Counted(Enum):
    """Whether a centre counted on a day."""

    COUNTED = "counted"
    DID_NOT_COUNT = "did_not_count"
    COULD_NOT_CHECK = "could_not_check"


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate as somebody reads it off.

    Args:
        centre: who awarded it, by the file.
        occupation: a unit group of ISCO-08.
        place: where it should count, ISO 3166-1 alpha-3.
        awarded_on: the day that stands on it.
        eqf_level: the level that is needed; None: any.
    """

    kind: PaperKind
    centre: Did
    occupation: str
    place: str
    awarded_on: date
    eqf_level: int | None = None
    purpose: Purpose = Purpose.EMPLOYMENT


@dataclass(frozen=True, slots=True)
class PaperAnswer:
    """What is said of it.

    Args:
        standing: the answer about the centre alone; no verdict on the certificate.
        centre_name: as the file has it; else its DID.
        told: sentences for whoever asks.
        note: for the holder to send to the centre.
    """

    counted: Counted
    standing: TrustDecision
    centre_name: str
    told: tuple[str, ...]
    note: str


def find_centre(text: str, snapshot: GovernanceSnapshot) -> Did:
    """Return the centre that a text names (3).

    Raises:
        CredentialError: none has that name, or several have.
        IdentifierError: it is no DID although it begins like one.
    """
    if text.strip().startswith("did:"):
        return Did.parse(text.strip())
    wanted = words_of(text)
    dids = sorted({did for did, name in _named(snapshot) if wanted and words_of(name) == wanted})
    if len(dids) == 1:
        return dids[0]
    called = "several are called" if dids else "nobody in the authority's list is called"
    raise CredentialError(
        f"expected one centre, found {text[:60]!r}, which {called}",
        hint="; ".join(dids[:_MOST_CHOICES]) or "write its whole name as the authority's list has it, or its DID",
    )


def answer_about(
    paper: Paper, snapshot: GovernanceSnapshot | None, *, at: datetime, asker: str, language: str
) -> PaperAnswer:
    """Return what can be said of a certificate that cannot be checked.

    Args:
        paper: as it was read off.
        snapshot: the governance in force; None: there is none.
        at: now, aware.
        asker: who asks, in words.
        language: a tag of `LANGUAGES`.
    """
    decision = standing(  # 2
        snapshot,
        issuer=paper.centre,
        occupation=paper.occupation,
        jurisdiction=paper.place,
        at=at,
        on=paper.awarded_on,
        eqf_level=paper.eqf_level,
        purpose=paper.purpose,
    )
    counted = _COUNTED.get(decision.verdict, Counted.COULD_NOT_CHECK)
    named = dict(_named(snapshot)) if snapshot is not None else {}
    name = plain(named.get(paper.centre, str(paper.centre)))
    t = KIT.words(LANGUAGES[language])
    day, about, place = t.date(paper.awarded_on), t.occupation(paper.occupation), t.country(paper.place)
    told = [
        t(f"paper.is.{paper.kind.value}"),
        t(f"paper.centre.{counted.value}", centre=name, about=about, place=place, day=day),
        t("paper.do"),
    ]
    note = t("paper.note", centre=name, about=about, day=day, asker=plain(asker))
    return PaperAnswer(counted, decision, name, tuple(_text(reason) for reason in told), _text(note))


_COUNTED: Final = {Verdict.TRUSTED: Counted.COUNTED, Verdict.NOT_TRUSTED: Counted.DID_NOT_COUNT}


def _named(snapshot: GovernanceSnapshot) -> Iterator[tuple[Did, str]]:
    others = (recognised.file for recognised in snapshot.recognised.values())
    for file in (*others, snapshot.file):  # the home file's names win
        for participant in file.participants:
            if participant.name is not None:
                yield participant.did, participant.name


def _text(sentence: object) -> str:
    """Return a sentence of the pages as plain text."""
    unmarked = getattr(sentence, "striptags", None)
    return str(unmarked() if unmarked is not None else sentence)
