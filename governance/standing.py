"""Does this issuer count, and is that authority recognised? Asked without a credential in hand.

`standing` applies the rules of `decision` and `recognition` to an issuer alone:

- without 3 to 5: nothing was shown. Rule 9 asks for the credential type only.
- Rules 12 and 13: "level L or more" is within reach if L is not above the upper bound of the range, by the crosswalk of
  the range's own framework that was in force on the day; so nothing counts where no crosswalk was.
- Rule 14: suspensions and withdrawals take their own days only; whether a registry is pinned is seen on a credential.
- Of an instant instead of a day, it is enough that an award of one of the days that it is somewhere would count; but
  what was suspended or withdrawn on any of them does not count (see `anywhere`).

So TRUSTED means that a credential awarded on that day can count; each one is still judged by `decide`.

`recognises` applies rules 1, 2, 6 and 16 to 24 to an authority: is there a recognition, directly or over others, for
this occupation, place, time, level and purpose? What the authority's own file says is not asked.
"""

from datetime import date, datetime
from typing import Final

from wanderbuch.governance import chains, decision, whole_groups
from wanderbuch.governance.anywhere import days_anywhere
from wanderbuch.governance.case import Case, Question, Walked
from wanderbuch.governance.file import EQF
from wanderbuch.governance.identifiers import Did
from wanderbuch.governance.instants import on_some_day
from wanderbuch.governance.question import DateSpan, Purpose, TrustDecision
from wanderbuch.governance.snapshot import GovernanceSnapshot

_STANDING: Final = tuple(rule for rule in decision.TABLE if rule[0] not in (3, 4, 5, 12))
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
    return decision.judge(_STANDING, case)


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
    found = whole_groups.parts_of(case)
    if found == (occupation,):
        return on_some_day(case, _recognised)
    return whole_groups.as_a_whole(case, found, lambda part, _: on_some_day(part, _recognised))


def _recognised(case: Case) -> TrustDecision:
    found = chains.find_authority(case, case.issuer)
    return TrustDecision(
        found.verdict,
        found.reasons + case.governance.notes,
        case.governance.ref,
        case.at,
        found.chain,
        found.redress,
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
) -> Case:
    anywhere = days_anywhere(on) if isinstance(on, datetime) else None
    return Case(
        question=Question.ISSUER_ALONE,
        snapshot=snapshot,
        at=at,
        requirement=None,
        issuer=issuer,
        cred_def_id=None,
        credential_type=credential_type,
        occupation=occupation,
        framework=EQF,
        eqf_level=eqf_level,
        crosswalk_version=None,
        awarded=anywhere or DateSpan(on, on),
        expires_on=None,
        registry=None,
        jurisdiction=jurisdiction,
        purpose=purpose,
        anywhere=anywhere,
    )
