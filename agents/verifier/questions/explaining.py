"""A question in plain words before it is put: what would be learnt, what would not, and where it asks for too much.

Said in the language of whoever asks. Reasons of the governance rules are English sentences of a program.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from markupsafe import Markup, escape

from wanderbuch.agents.site.languages import LANGUAGES, Words
from wanderbuch.agents.verifier.questions.document import MappedLevel
from wanderbuch.agents.verifier.questions.kit import KIT
from wanderbuch.governance.facts.question import Requirement, Subject, TrustDecision, Verdict
from wanderbuch.plugins.trust.verifying.asked import AskedCredential, AwardPrecision
from wanderbuch.plugins.trust.verifying.keeping import Keeping

MANY: Final = 4  # credentials at once, from which on it is said that these are many


class Weight(Enum):
    """How much a remark weighs."""

    CHOICE = "choice"  # to be decided by whoever asks
    TOO_MUCH = "too_much"  # more than most purposes need
    DANGEROUS = "dangerous"  # what is asked does not protect whoever asks
    FORBIDDEN = "forbidden"  # the authority does not let them ask it; it cannot be put


@dataclass(frozen=True, slots=True)
class AskingRemark:
    """What whoever asks should know before they do.

    Args:
        code: stable, for programs.
        text: in the reader's language.
        in_english: what only English says in full; empty where `text` says it.
    """

    code: str
    weight: Weight
    text: str
    in_english: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """A question in plain words.

    Args:
        marked_learnt, marked_not_learnt: the sentences for pages, in which days and what is in English are marked.
    """

    language: str
    marked_learnt: tuple[Markup, ...]
    marked_not_learnt: tuple[Markup, ...]
    remarks: tuple[AskingRemark, ...]

    @property
    def learnt(self) -> tuple[str, ...]:
        """What would be learnt, as text."""
        return tuple(_plain(sentence) for sentence in self.marked_learnt)

    @property
    def not_learnt(self) -> tuple[str, ...]:
        """What would not be learnt, as text."""
        return tuple(_plain(sentence) for sentence in self.marked_not_learnt)


def explain(
    asked: Sequence[AskedCredential],
    levels: Sequence[MappedLevel],
    permissions: Sequence[TrustDecision],
    *,
    keeping: Keeping | None = None,
    language: str,
) -> Explained:
    """Return a question in plain words.

    Args:
        asked: what must be proven, by credential.
        levels: the levels that were mapped to the EQF.
        permissions: whether the verifier may ask it, by credential.
        keeping: why and how long the answer is kept; None: it is not.
        language: a tag of `LANGUAGES`.
    """
    t = KIT.words(LANGUAGES[language])
    requirement = asked[0].requirement
    learnt = [text for credential in asked for text in _learnt_of(t, credential)]
    learnt += _learnt_once(t, requirement, several=len(asked) > 1)
    learnt += [
        t("ask.level.mapped", framework=t.framework(level.framework), level=level.level, eqf=level.eqf)
        for level in levels
    ]
    hidden = ["ask.hidden.other", "ask.hidden.rest"]
    if requirement.subject is Subject.NONE:
        hidden.insert(0, "ask.hidden.name")
    return Explained(
        language=language,
        marked_learnt=tuple(learnt),
        marked_not_learnt=tuple(t(key) for key in hidden),
        remarks=tuple(_remarks(t, asked, permissions, keeping)),
    )


def worker_words(
    asked: Sequence[AskedCredential],
    *,
    keeping: Keeping | None,
    language: str,
    levels: Sequence[MappedLevel] = (),
) -> tuple[str, ...]:
    """Return a question as its worker is told it: what is learnt, and that the answer is kept, where it is."""
    return tuple(_plain(one) for one in marked_worker_words(asked, keeping=keeping, language=language, levels=levels))


def marked_worker_words(
    asked: Sequence[AskedCredential],
    *,
    keeping: Keeping | None,
    language: str,
    levels: Sequence[MappedLevel] = (),
) -> tuple[Markup, ...]:
    """Return the same for a page, in which days and what is in English are marked."""
    learnt = explain(asked, levels, (), language=language).marked_learnt
    return learnt if keeping is None else (*learnt, escape(replace(keeping, language=language).told()))


def _learnt_of(t: Words, asked: AskedCredential) -> Iterator[Markup]:
    requirement = asked.requirement
    about = t.occupation(requirement.occupation)
    kind = requirement.credential_type.partition("/")[0]
    yield t(f"ask.about.{kind}", about=about)
    if requirement.min_eqf_level is not None:
        yield t("ask.level", level=t("ask.level.eqf", eqf=requirement.min_eqf_level))
    if requirement.min_cefr_level is not None:
        yield t("ask.level", level=requirement.min_cefr_level)
    if requirement.min_months is not None:
        yield t("ask.months", months=requirement.min_months)
    if requirement.not_before is not None:
        key = "ask.since.ended" if kind == "experience" else "ask.since.awarded"
        yield t(key, day=t.date(requirement.not_before))
    yield t("ask.award.day" if asked.award_precision is AwardPrecision.DAY else "ask.award.year")


def _learnt_once(t: Words, requirement: Requirement, *, several: bool) -> Iterator[Markup]:
    yield t("ask.issuer", place=t.country(requirement.jurisdiction))
    if requirement.not_revoked:
        yield t("ask.valid")
    if several:
        yield t("ask.one_person")
    if requirement.subject is not Subject.NONE:
        yield t("ask.named" if requirement.subject is Subject.NAME else "ask.named.born")
    if requirement.least_subject is not None:
        yield t(f"ask.left_out.{_left_out(requirement)}")


def _left_out(requirement: Requirement) -> str:
    """Return what may be left out, as keys have it."""
    if requirement.least_subject is Subject.NAME:
        return "born"
    return "name" if requirement.subject is Subject.NAME else "name_born"


def _remarks(
    t: Words,
    asked: Sequence[AskedCredential],
    permissions: Sequence[TrustDecision],
    keeping: Keeping | None,
) -> Iterator[AskingRemark]:
    requirement = asked[0].requirement
    for decision in permissions:
        if decision.verdict is Verdict.NOT_TRUSTED:
            own = [t.why(reason.code) for reason in decision.reasons]
            told = [_plain(sentence) for sentence in own if sentence is not None]
            english = [reason.text for reason in decision.reasons]
            text = _plain(t("ask.remark.forbidden", reasons=" ".join(dict.fromkeys(told) or english)))
            yield AskingRemark("forbidden", Weight.FORBIDDEN, text, " ".join(english) if told else "")
    if any(decision.verdict is not Verdict.TRUSTED for decision in permissions):
        yield AskingRemark("unknown", Weight.CHOICE, _plain(t("ask.remark.unknown")))
    if not requirement.not_revoked:
        yield AskingRemark("revoked", Weight.DANGEROUS, _plain(t("ask.remark.revoked")))
    match requirement.subject:
        case Subject.NONE:
            yield AskingRemark("no_name", Weight.CHOICE, _plain(t("ask.remark.no_name")))
        case Subject.NAME:
            yield AskingRemark("name", Weight.CHOICE, _plain(t("ask.remark.name")))
        case Subject.NAME_AND_BIRTH_DATE:
            yield AskingRemark("birth_date", Weight.TOO_MUCH, _plain(t("ask.remark.birth_date")))
    if any(credential.award_precision is AwardPrecision.DAY for credential in asked):
        yield AskingRemark("award_day", Weight.TOO_MUCH, _plain(t("ask.remark.award_day")))
    if len({(credential.requirement.credential_type, credential.requirement.occupation) for credential in asked}) < len(
        asked
    ):
        yield AskingRemark("alike", Weight.DANGEROUS, _plain(t("ask.remark.alike")))
    if len(asked) >= MANY:
        yield AskingRemark("many", Weight.TOO_MUCH, _plain(t("ask.remark.many")))
    if keeping is not None:
        text = _plain(t("ask.remark.kept", day=t.date(keeping.until), law=keeping.law))
        yield AskingRemark("kept", Weight.CHOICE, text)


def _plain(text: object) -> str:
    """Return a sentence of the pages as plain text."""
    striptags = getattr(text, "striptags", None)
    return str(striptags() if striptags is not None else text)
