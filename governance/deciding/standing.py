"""Does this issuer count, and is that authority recognised? Asked without a credential in hand.

`standing` applies the rules of `decision` and `recognition` to an issuer alone:

- without 3 to 5: nothing was shown. Rule 9 asks for the credential type only.
- Rules 12 and 13: "level L or more" is within reach if L is not above the upper bound of the range, by the crosswalk of
  the range's own framework that was in force on the day; so nothing counts where no crosswalk was.
- Rule 14: suspensions and withdrawals take their own days only; whether a list is pinned is seen on a credential.
- Of an instant instead of a day, it is enough that an award of one of the days that it is somewhere would count; but
  what was suspended or withdrawn on any of them does not count (see `anywhere`).

So TRUSTED means that a credential awarded on that day can count; each one is still judged by `decide`.

`recognises` applies rules 1, 2, 6 and 16 to 24 to an authority: is there a recognition, directly or over others, for
this occupation, place, time, level and purpose? What the authority's own file says is not asked.
"""

from datetime import date, datetime
from typing import Final

from wanderbuch.governance.deciding import chains, decision, whole_groups
from wanderbuch.governance.deciding.case import CaseKind, DecisionCase, Walked
from wanderbuch.governance.deciding.instants import on_some_day
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.file import EQF
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan, Purpose, TrustDecision
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot

_STANDING: Final = decision.RuleTable.of(tuple(rule for rule in decision.TABLE if rule[0] not in (3, 4, 5, 12)))
_RECOGNISES: Final = decision.for_groups(tuple(rule for rule in decision.TABLE if rule[0] in (1, 2, 6)))


def standing(
    snapshot: GovernanceSnapshot | None,
    *,
    issuer: Did,
    occupation: str,
    jurisdiction: str,
    at: datetime,
    on: date,
    eqf_level: int | None = None,
    credential_type: str = "qualification/1.0",
    purpose: Purpose = Purpose.EMPLOYMENT,
) -> TrustDecision:
    """Return whether the issuer counts for what it would award on a day.

    Args:
        snapshot: the governance to rest on; None if there is none.
        issuer: who would sign.
        occupation: an ISCO-08 code in ESCO's form, such as "C7212".
        jurisdiction: where it must count, ISO 3166-1 alpha-3.
        at: the instant of the decision, aware.
        on: the day of the award as it is written; or an instant (aware), which is another day in another place.
        eqf_level: this level or more, 1 to 8; None if any will do.
        credential_type: such as "qualification/1.0".
        purpose: what it is for; matters across borders only.
    """
    case = _case(snapshot, issuer, occupation, jurisdiction, at, on, eqf_level, credential_type, purpose)
    return decision.answer_case(_STANDING, case)


def recognises(
    snapshot: GovernanceSnapshot | None,
    *,
    authority: Did,
    occupation: str,
    jurisdiction: str,
    on: date,
    at: datetime,
    eqf_level: int | None = None,
    purpose: Purpose = Purpose.EMPLOYMENT,
    credential_type: str = "qualification/1.0",
) -> TrustDecision:
    """Return whether the file's author recognises another authority, directly or over others.

    The chain of the answer names the authorities whose files were needed, so it is empty for a direct recognition. An
    author does not recognise itself: its own accreditations count without.

    All but `authority`, the DID of the other authority, means what it means for `standing`.
    """
    case = _case(snapshot, authority, occupation, jurisdiction, at, on, eqf_level, credential_type, purpose)
    if (failed := decision.first_failure(_RECOGNISES, case)) is not None:
        return decision.refused(case, *failed)
    case.walked = Walked()
    parts = whole_groups.parts_of(case)
    if parts == (occupation,):
        return on_some_day(case, _recognised)
    return whole_groups.as_a_whole(case, parts, lambda part, _: on_some_day(part, _recognised))


def _recognised(case: DecisionCase) -> TrustDecision:
    authority = chains.find_authority(case, case.issuer)
    return TrustDecision(
        authority.verdict,
        authority.reasons + case.governance.notes,
        case.governance.ref,
        case.at,
        authority.chain,
        authority.redress,
    )


def _case(
    snapshot: GovernanceSnapshot | None,
    issuer: Did,
    occupation: str,
    jurisdiction: str,
    at: datetime,
    on: date,
    eqf_level: int | None,
    credential_type: str,
    purpose: Purpose,
) -> DecisionCase:
    anywhere = days_anywhere(on) if isinstance(on, datetime) else None
    return DecisionCase(
        kind=CaseKind.ISSUER_ALONE,
        snapshot=snapshot,
        at=at,
        requirement=None,
        issuer=issuer,
        source=None,
        credential_type=credential_type,
        occupation=occupation,
        framework=EQF,
        eqf_level=eqf_level,
        crosswalk_version=None,
        awarded=anywhere or DateSpan(on, on),
        expires_on=None,
        status=None,
        jurisdiction=jurisdiction,
        purpose=purpose,
        anywhere=anywhere,
    )
