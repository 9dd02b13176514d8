"""A policy in plain words, rule by rule; and what a question breaks of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from wanderbuch.agents.site.languages import LANGUAGES, Words
from wanderbuch.agents.site.rendering import Kit
from wanderbuch.agents.verifier.policies.document import Policy, PolicyRule
from wanderbuch.agents.verifier.questions.explaining import AskingRemark, Weight
from wanderbuch.plugins.trust.verifying.asked import MAX_GROUPS

KIT: Final = Kit("wanderbuch.agents.verifier.policies")


@dataclass(frozen=True, slots=True)
class ToldRule:
    """A rule in plain words; `is_dangerous`: it lets pass what does not protect whoever asks."""

    rule: PolicyRule
    text: str
    is_dangerous: bool = False


def explained(policy: Policy, *, language: str) -> tuple[ToldRule, ...]:
    """Return what a policy says, in a language of `LANGUAGES`."""
    return tuple(_told(policy, KIT.words(LANGUAGES[language])))


def remarks(policy: Policy | None, broken: Sequence[PolicyRule], *, language: str) -> tuple[AskingRemark, ...]:
    """Return what to say of a question that breaks rules of a policy."""
    if policy is None or not broken:
        return ()
    t, told = KIT.words(LANGUAGES[language]), explained(policy, language=language)
    return tuple(
        AskingRemark(f"policy.{one.rule.value}", Weight.FORBIDDEN, _plain(t("policy.broken", rule=one.text)))
        for one in told
        if one.rule in broken
    )


def _told(policy: Policy, t: Words) -> Iterator[ToldRule]:
    told = policy.document
    if told.places is not None:
        places = _plain(t("list.comma")).join(_plain(t.country(code)) for code in told.places)
        yield ToldRule(PolicyRule.PLACES, _plain(t("policy.places", places=places)))
    if told.purposes is not None:
        purposes = _plain(t("list.comma")).join(_plain(t(f"purpose.{one.value}")) for one in told.purposes)
        yield ToldRule(PolicyRule.PURPOSES, _plain(t("policy.purposes", purposes=purposes)))
    if told.name != "may_be_asked":
        yield ToldRule(PolicyRule.NAME, _plain(t(f"policy.name.{told.name}")))
    if told.birth_date == "never":
        yield ToldRule(PolicyRule.BIRTH_DATE, _plain(t("policy.birth_date")))
    if told.award_day == "never":
        yield ToldRule(PolicyRule.AWARD_DAY, _plain(t("policy.award_day")))
    if told.keeping == "never":
        yield ToldRule(PolicyRule.KEEPING, _plain(t("policy.keeping")))
    if told.most_credentials < MAX_GROUPS:
        yield ToldRule(PolicyRule.MOST_CREDENTIALS, _plain(t("policy.most", number=told.most_credentials)))
    is_valid, is_apart = told.revocation == "must_be_valid", told.alike == "never"
    revoked, alike = "policy.valid" if is_valid else "policy.revoked", "policy.apart" if is_apart else "policy.alike"
    yield ToldRule(PolicyRule.REVOCATION, _plain(t(revoked)), is_dangerous=not is_valid)
    yield ToldRule(PolicyRule.ALIKE, _plain(t(alike)), is_dangerous=not is_apart)


def _plain(text: object) -> str:
    """Return a sentence of the pages as plain text."""
    unmarked = getattr(text, "striptags", None)
    return str(unmarked() if unmarked is not None else text)
