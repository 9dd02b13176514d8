"""How a verifier says what it asks for: the goal code of its invitation (Aries RFC 0519, RFC 0434)."""

from typing import Final

from wanderbuch.governance.facts.question import Purpose

_PREFIX: Final = "wanderbuch.verify."
_GOALS: Final = {
    Purpose.EMPLOYMENT: "To check a qualification for work.",
    Purpose.STUDY: "To check a qualification for study.",
    Purpose.REGULATED_PROFESSION: "To check a qualification for a regulated occupation.",
}


def goal_code(purpose: Purpose) -> str:
    """Return the goal code of a purpose.

    >>> goal_code(Purpose.STUDY)
    'wanderbuch.verify.study'
    """
    return _PREFIX + purpose.value


def goal(purpose: Purpose) -> str:
    """Return the same in words."""
    return _GOALS[purpose]


def stated_purpose(received_goal_code: object) -> Purpose | None:
    """Return the purpose that an invitation states, None if it states none of ours."""
    return next((purpose for purpose in Purpose if goal_code(purpose) == received_goal_code), None)
