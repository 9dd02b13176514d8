"""A group of occupations is answered as all of its members: it counts only where each of its unit groups does.

"C72" asks about everything that begins with 72. A file may say something else about a part of that (an exclusion of
C7213, a recognition of C721 alone, a regulated C7212), so the group is divided into the widest parts that nothing in
the files at hand tells apart (`groups.parts`). Within such a part every rule answers alike for all unit groups, so
judging the parts is judging all members. So do parts that the same statements name: of these one is judged. All parts
together are allowed a bounded number of chains (`chains`), for whoever asks about a group may be a stranger.

- All parts TRUSTED: TRUSTED. The reasons are those of all parts, none twice; where parts count by different chains of
  recognition, the chain of the answer names the links of all of them.
- A part that is NOT_TRUSTED settles it; else one that is STALE, else one that is UNKNOWN. The first reason names the
  part.
"""

from collections.abc import Callable, Sequence
from copy import replace
from itertools import chain
from typing import Final

from wanderbuch.governance.deciding.case import DecisionCase
from wanderbuch.governance.facts.groups import parts
from wanderbuch.governance.facts.question import Reason, Step, TrustDecision, Verdict
from wanderbuch.governance.facts.wording import occupation

_WORST_FIRST: Final = (Verdict.NOT_TRUSTED, Verdict.STALE, Verdict.UNKNOWN, Verdict.TRUSTED)

type JudgePart = Callable[[DecisionCase, list[Step] | None], TrustDecision]


def as_a_whole(
    case: DecisionCase, parts: Sequence[str], judge_part: JudgePart, steps: list[Step] | None = None
) -> TrustDecision:
    """Return the decision about a group.

    Args:
        case: the question, about a group of ISCO-08.
        parts: its parts, as `parts_of` found them.
        judge_part: decides about one part, and notes the rules that it applied if somebody wants to read them.
        steps: takes the rules applied to the part that decided, or to all parts if all count.
    """
    judged: list[tuple[str, TrustDecision, list[Step] | None]] = []
    for part in parts:
        taken: list[Step] | None = None if steps is None else []
        decision = judge_part(replace(case, occupation=part), taken)
        judged.append((part, decision, taken))
        if decision.verdict is Verdict.NOT_TRUSTED:
            break
    worst = min([_WORST_FIRST.index(decision.verdict) for _, decision, _ in judged])
    if _WORST_FIRST[worst] is not Verdict.TRUSTED:
        part, decision, taken = next(one for one in judged if one[1].verdict is _WORST_FIRST[worst])
        _note(steps, part, taken)
        return _refused(case.occupation, part, decision)
    for part, _, taken in judged:
        _note(steps, part, taken)
    decisions = [decision for _, decision, _ in judged]
    return TrustDecision(
        Verdict.TRUSTED,
        tuple(dict.fromkeys(chain.from_iterable([decision.reasons for decision in decisions]))),
        decisions[0].governance,
        case.at,
        tuple(dict.fromkeys(chain.from_iterable([decision.chain for decision in decisions]))),
        tuple(sorted({one for decision in decisions for one in decision.redress})),
    )


def _refused(group: str, part: str, decision: TrustDecision) -> TrustDecision:
    first, *others = decision.reasons
    text = f"{occupation(group)} counts only as a whole, and {occupation(part)} does not count: {first.text}"
    return replace(decision, reasons=(Reason(first.code, text), *others))


def _note(steps: list[Step] | None, part: str, taken: list[Step] | None) -> None:
    if steps is not None and taken is not None:
        steps.extend(replace(step, title=f"{part}: {step.title}") for step in taken)


def parts_of(case: DecisionCase) -> tuple[str, ...]:
    """Return the widest parts of a case's group that no code of the files at hand divides; its snapshot is there.

    Of parts that the same statements name, only the first is returned.
    """
    code, home = case.occupation, case.governance
    scopes: list[tuple[str, ...]] = []
    for snapshot in (home, *home.recognised.values()) if home.recognised else (home,):
        file = snapshot.file
        scopes += file.common_scopes
        if file.holds(case.issuer):
            listed = file.index.about(case.issuer)
            scopes += [accreditation.occupations for accreditation in listed]
            scopes += [one.excluded_occupations for one in listed if one.excluded_occupations]
            if file.refusals:
                scopes += [refusal.occupations for refusal in file.refusals_of(case.issuer)]
    # Most scopes have nothing to do with the group, so they are looked through here and not one call deeper.
    dividing = {part for part in chain.from_iterable(scopes) if part.startswith(code) and part != code}
    if not dividing:
        return (code,)
    telling = [scope for scope in scopes if not dividing.isdisjoint(scope)]  # others hold all or nothing
    deciding: dict[tuple[bool, ...], str] = {}
    for part in parts(code, dividing):
        deciding.setdefault(tuple([part.startswith(scope) for scope in telling]), part)
    return tuple(deciding.values())
