"""How old the facts are that a decision rests on, said in the decision. Pure."""

from copy import replace
from datetime import UTC, datetime, timedelta

from wanderbuch.governance.facts.question import Reason, TrustDecision, Verdict


def with_age(
    decision: TrustDecision,
    then: TrustDecision,
    *,
    as_of: datetime,
    now: datetime,
    lasts: timedelta | None = None,
    oldest: timedelta | None = None,
) -> TrustDecision:
    """Return a decision that rests on recorded facts, with their age and, where it is STALE, what it was then.

    The author's word may be new where a status list is an old recording, for whoever keeps hosts from being reached. So
    what was TRUSTED is STALE where the facts are older than `lasts`. Where they are older than the verifier's own rule
    allows, it is UNKNOWN, whatever the author says.

    Args:
        decision: now.
        then: the same question at `as_of`.
        as_of: when the author vouched for the facts.
        now: the instant of the decision.
        lasts: how long the author lets facts count; None where the decision has seen to that.
        oldest: how old facts may be for a yes, by the verifier's own rule; None: as the author says.
    """
    if oldest is not None and decision.verdict is Verdict.TRUSTED and now - as_of > oldest:
        text = "The facts are older than this verifier lets recorded facts be: bring it to a network, and ask again."
        decision = replace(
            decision, verdict=Verdict.UNKNOWN, reasons=(Reason("offline.policy", text), *decision.reasons)
        )
    if lasts is not None and decision.verdict is Verdict.TRUSTED and now - as_of >= lasts:
        text = "Some of the facts could not be fetched now, and what was recorded of them is too old to be relied on."
        decision = replace(
            decision, verdict=Verdict.STALE, reasons=(Reason("offline.too_old", text), *decision.reasons)
        )
    told = [
        Reason(
            "offline.age", f"The facts are from {_instant(as_of)}, {_age(now - as_of)}; what changed since is unknown."
        )
    ]
    if decision.verdict is Verdict.STALE or any(reason.code == "offline.policy" for reason in decision.reasons):
        told.append(Reason("offline.then", f"With the facts of that time the answer was {then.verdict.value}."))
        told += [reason for reason in then.reasons if reason not in decision.reasons]
    return replace(decision, reasons=(*decision.reasons, *told))


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _age(age: timedelta) -> str:
    minutes = max(0, int(age.total_seconds() // 60))
    for name, size in (("day", 24 * 60), ("hour", 60), ("minute", 1)):
        if minutes >= size and (number := minutes // size):
            return f"{number} {name}{'' if number == 1 else 's'} old"
    return "less than a minute old"
