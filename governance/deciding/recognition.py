"""Does an issuer count here because another authority accredits it? The rules of one chain of recognition.

A chain leads from the home file over one or more recognised authorities to the one that accredits the issuer. `chains`
walks over all of them; each must hold by itself, and what two chains allow is never added up. Rules, in this order,
numbered on from `decision`:

15. Only where the home file does not decide: a chain may make good what rules 7 and 9 to 14 miss there. An exclusion of
    the home file (8) is never overruled.
16. No file of the chain excludes the occupation for any authority that comes after it. Exclusions win over every
    recognition of that authority, also over one that has ended.
17. Each file recognises the next authority for the credential type ...
18. ... for the occupation that was signed ...
19. ... for the purpose. What the destination regulates (on the day of the decision, in any time zone) needs a direct
    recognition by the home file for access to regulated professions; only to study it is free of that.
20. The home file's recognition counts in the jurisdiction that was asked for. Where a statement of another authority
    counts is about its own country, so it does not matter abroad.
21. Each recognition covers the level: what is proven is neither above the upper nor below the lower level, and where
    nothing is proven, the recognition begins at level 1.
22. Each recognition on the chain lets in as many further authorities as follow it.
23. A chain has at most MAX_DEPTH authorities, and none of them twice, neither by its DID nor by an alias that a file of
    the chain states (one in a part that was not read is not known). An alias never lets anybody in.
24. Each recognition was in force on every day on which the credential may have been awarded. Several recognitions of
    one authority that fit add up their days. What a file of the chain suspended about a later authority does not count
    either, by whichever way that authority comes in.
25. No file before the last has decided against the issuer itself: what it excludes, suspended or withdrew for this
    occupation, or one above or below it, stays so (by the arithmetic of rule 14).
26. The file of every authority is at hand, with the part of it that would name the issuer: else UNKNOWN.
27. It is fresh by itself: else STALE.
28. The last authority accredits the issuer by rules 7 to 10, 12 and 13 in its own file. So the crosswalk that the
    credential names must stand in that file, for that framework, in force at the award; versions of other files are not
    compared by name. If that file has no crosswalk of the framework, there is no mapping, and a level that is asked for
    is refused.
29. The lowest level counts: where a file before the last maps the same framework on a day of the award, each level of
    the framework that the credential may have must reach the level asked for by that table too; a level that the table
    does not map reaches none. What is about to be signed follows the accrediting authority's table alone. See
    `chain_levels`.
30. Rule 14 in the last authority's file.

Rules 17 to 22 keep, for each authority, the recognitions that fit in every respect.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from wanderbuch.governance.deciding import mandate, rules
from wanderbuch.governance.deciding.case import CaseKind, DecisionCase
from wanderbuch.governance.facts.anywhere import days_anywhere, taken_with
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.groups import overlap
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan, Purpose, Reason
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.spans import ALWAYS, covers, normal, touches, without
from wanderbuch.governance.facts.statements import Recognition, RecognitionLapse, Regulation
from wanderbuch.governance.facts.wording import occupation, occupations, stale, times

MAX_DEPTH: Final = 4


@dataclass(slots=True)
class Chain:
    """One way from the home file to an authority.

    Args:
        case: the question as it was put to the home file.
        authorities: the recognised ones, nearest first.
        files: the home file and those of all authorities but the last.
        last: the file of the last authority, None if it is not at hand.
        fitting: for each authority the recognitions that fit so far, in the file before it.
        judged: the question as put to the last authority's file, once rule 28 is reached.
        redress: whom to appeal to, filled by the rule that fails.
    """

    case: DecisionCase
    authorities: tuple[Did, ...]
    files: tuple[GovernanceSnapshot, ...]
    last: GovernanceSnapshot | None
    fitting: list[tuple[Recognition, ...]] = field(init=False)
    judged: DecisionCase | None = None
    redress: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        steps = zip(self.files, self.authorities, strict=True)
        self.fitting = [before.file.recognitions_of(authority) for before, authority in steps]

    @property
    def newest(self) -> int:
        """The position of the last authority."""
        return len(self.authorities) - 1

    @property
    def accrediting(self) -> DecisionCase:
        """The question as put to the last file; rule 28 comes first."""
        if self.judged is None:
            raise ValueError("rule 28 must come first")
        return self.judged

    def name(self, position: int) -> str:
        """Return how the authority at `position` is called by the file before it, else by its own."""
        authority = self.authorities[position]
        own = self.files[position + 1] if position + 1 < len(self.files) else self.last
        named = self.files[position].file.participant_name(authority)
        return named or (str(authority) if own is None else own.file.name)

    def names(self) -> str:
        """Return the authorities as people read them, nearest first."""
        return ", then ".join(self.name(position) for position in range(len(self.authorities)))

    def keep(self, fits: Callable[[Recognition], bool]) -> int | None:
        """Narrow the recognitions of all authorities down; return the first position that has none left, else None."""
        return next((position for position in range(len(self.authorities)) if not self.keep_at(position, fits)), None)

    def keep_at(self, position: int, fits: Callable[[Recognition], bool]) -> bool:
        """Narrow the recognitions of one authority down; where none is left, leave them and return False."""
        left = tuple([recognition for recognition in self.fitting[position] if fits(recognition)])
        if left:
            self.fitting[position] = left
        else:
            self.redress = rules.redress(self.fitting[position])
        return bool(left)


def nobody_excludes(chain: Chain) -> Reason | None:  # 16
    """Refuse an occupation that a file of the chain keeps out."""
    code = chain.case.occupation
    for position, snapshot in enumerate(chain.files):
        for later in range(position, len(chain.authorities)):
            for recognition in snapshot.file.recognitions_of(chain.authorities[later]):
                if code.startswith(recognition.excluded_occupations):
                    chain.redress = (recognition.redress,)
                    text = (
                        f"{snapshot.file.name} excludes {occupation(code)} for {chain.name(later)} ({recognition.id})."
                    )
                    return Reason("recognition.excluded", text)
    return None


def type_recognised(chain: Chain) -> Reason | None:  # 17
    """Keep what is for the credential type."""
    kind = chain.case.credential_type
    refused = chain.keep(lambda recognition: kind in recognition.credential_types)
    return _not_for(chain, refused, "credential_type", f"credentials of type {kind}")


def occupation_recognised(chain: Chain) -> Reason | None:  # 18
    """Keep what covers the occupation."""
    code = chain.case.occupation
    refused = chain.keep(lambda recognition: code.startswith(recognition.occupations))
    if refused is None:
        return None
    named = sorted({one for recognition in chain.fitting[refused] for one in recognition.occupations})
    text = f"{chain.name(refused)} is recognised for {occupations(named)}, which does not cover {occupation(code)}."
    return Reason("recognition.occupation", text)


def purpose_recognised(chain: Chain) -> Reason | None:  # 19
    """Keep what is for the purpose; a regulated occupation needs the destination's own decision."""
    purpose = chain.case.purpose
    if purpose is None:
        return None
    refused = chain.keep(lambda recognition: purpose in recognition.purposes)
    if refused is not None:
        return _not_for(chain, refused, "purpose", f"the purpose {purpose.value}")
    case, home = chain.case, chain.files[0].file
    regulating = regulations(home, case.occupation, case.jurisdiction, case.at)
    if (purpose is Purpose.STUDY or not regulating) and purpose is not Purpose.REGULATED_PROFESSION:
        return None
    direct = len(chain.authorities) == 1
    if direct and chain.keep(lambda recognition: Purpose.REGULATED_PROFESSION in recognition.purposes) is None:
        return None
    what, who = "Access to a regulated profession is asked for", home.name
    if regulating:
        chain.redress = tuple(sorted({regulation.redress for regulation in regulating}))
        what = f"{occupation(case.occupation)} is regulated in {case.jurisdiction}"
        who = ", ".join(f"{regulation.competent_authority} ({regulation.id})" for regulation in regulating)
    text = f"{what}: that needs an accreditation or a direct recognition for it by the destination itself; ask {who}."
    return Reason("occupation.regulated", text)


def regulations(home: GovernanceFile, code: str, jurisdiction: str | None, at: datetime) -> tuple[Regulation, ...]:
    """Return what a file says is regulated, of an occupation or of what stands above or below it, by id."""
    if not home.regulations:
        return ()
    today = days_anywhere(at)
    rules = [
        regulation
        for regulation in home.regulations
        if jurisdiction in regulation.jurisdictions
        and touches(regulation.intervals, today)
        and overlap(regulation.occupations, code)
    ]
    return tuple(sorted(rules, key=lambda regulation: regulation.id))


def jurisdiction_recognised(chain: Chain) -> Reason | None:  # 20
    """Keep what the home file recognises for the place."""
    asked = chain.case.jurisdiction
    if asked is None or chain.keep_at(0, lambda recognition: asked in recognition.jurisdictions):
        return None
    named = ", ".join(sorted({code for recognition in chain.fitting[0] for code in recognition.jurisdictions}))
    return Reason("recognition.jurisdiction", f"{chain.name(0)} is recognised in {named}, not in {asked}.")


def level_recognised(chain: Chain) -> Reason | None:  # 21
    """Keep what covers the level."""
    level = chain.case.eqf_level or None
    refused = chain.keep(
        lambda recognition: (
            recognition.min_eqf_level == 1
            if level is None
            else recognition.min_eqf_level <= level <= recognition.max_eqf_level
        )
    )
    if refused is None:
        return None
    named = sorted({(recognition.min_eqf_level, recognition.max_eqf_level) for recognition in chain.fitting[refused]})
    ranges = ", ".join(f"{lowest} to {highest}" for lowest, highest in named)
    statement = "no level is proven" if level is None else f"this is EQF level {level}"
    return Reason("recognition.level", f"{chain.name(refused)} is recognised for EQF levels {ranges}; {statement}.")


def onward_recognised(chain: Chain) -> Reason | None:  # 22
    """Keep what lets in as many authorities as follow."""
    for position in range(chain.newest):
        following = chain.newest - position
        if not chain.keep_at(position, partial(_lets_in, following)):
            text = f"The recognition of {chain.name(position)} does not let in {chain.name(position + 1)}"
            return Reason("recognition.onward", f"{text}, {following} further on.")
    return None


def _lets_in(following: int, recognition: Recognition) -> bool:
    return recognition.onward >= following


def short_and_straight(chain: Chain) -> Reason | None:  # 23
    """Refuse what goes too far or in a circle."""
    if len(chain.authorities) > MAX_DEPTH:
        text = f"More than {MAX_DEPTH} authorities, up to {chain.name(chain.newest)}: not followed any further."
        return Reason("recognition.too_deep", text)
    everybody = {chain.files[0].file.author, *chain.authorities}
    if len(everybody) <= len(chain.authorities):
        text = f"The recognitions lead back to {chain.name(chain.newest)}: not followed any further."
        return Reason("recognition.cycle", text)
    files = chain.files if chain.last is None else (*chain.files, chain.last)
    if any(len(_aliases(did, files) & everybody) > 1 for did in everybody):
        text = f"On the way to {chain.name(chain.newest)} an authority comes again by another name: not followed."
        return Reason("recognition.alias_loop", text)
    return None


def _aliases(did: Did, files: tuple[GovernanceSnapshot, ...]) -> set[Did]:
    """Return `did` and every alias that the files state of it, or of one of these, and so on."""
    dids, left = {did}, [did]
    while left:
        known = left.pop()
        for snapshot in files:
            participant = snapshot.file.index.participants.get(known)
            if participant is not None and participant.alias_dids:
                left += [alias_did for alias_did in participant.alias_dids if alias_did not in dids]
                dids.update(participant.alias_dids)
    return dids


def in_force(chain: Chain) -> Reason | None:  # 24
    """Refuse unless every possible day of the award counts for each authority."""
    awarded = chain.case.awarded
    for position, authority in enumerate(chain.authorities):
        counting = normal(
            span for recognition in chain.fitting[position] for span in recognised_days(chain.case, recognition)
        )
        for earlier in chain.files[:position]:
            for other in earlier.file.recognitions_of(authority):
                if overlap(other.occupations, chain.case.occupation):
                    for lapse in other.lapses:
                        counting = without(counting, _gone(chain.case, lapse))
        if covers(counting, awarded):
            continue
        chain.redress = rules.redress(chain.fitting[position])
        when = times(counting) or "on no day"
        text = f"{chain.name(position)} is recognised {when}; {chain.case.dated}"
        if touches(counting, awarded):
            return Reason("award.date_needed", f"{text}: its exact date is needed.")
        return Reason("recognition.not_in_force", f"{text}.")
    return None


def recognised_days(case: DecisionCase, recognition: Recognition) -> tuple[DateSpan, ...]:
    """Return the award dates that a recognition carries over."""
    spans = recognition.intervals
    for lapse in recognition.lapses:
        spans = without(spans, _gone(case, lapse))
    return spans


def _gone(case: DecisionCase, lapse: RecognitionLapse) -> DateSpan:
    lasts = lapse.days.last == ALWAYS.last
    if lasts and case.kind is CaseKind.SIGNED_NOW:
        return ALWAYS
    return lapse.days if case.anywhere is None else taken_with(case.anywhere, lapse.days)


def nobody_decided_against(chain: Chain) -> Reason | None:  # 25
    """Refuse what a file before the last has decided about the issuer itself."""
    case = chain.case
    for snapshot in chain.files:
        if not snapshot.file.holds(case.issuer):  # rule 26
            continue
        left: tuple[DateSpan, ...] = (case.awarded,)
        for accreditation in snapshot.file.index.about(case.issuer):
            if case.occupation.startswith(accreditation.excluded_occupations):
                chain.redress = (accreditation.redress,)
                text = (
                    f"{snapshot.file.name} excludes {occupation(case.occupation)} for this issuer ({accreditation.id})."
                )
                return Reason("occupation.excluded", text)
            if not overlap(accreditation.occupations, case.occupation):
                continue
            for lapse in accreditation.lapses:
                if accreditation.issuer != case.issuer:  # by its other name on a ledger
                    lapse = mandate.under_name(lapse, case.issuer)
                left = mandate.outside_lapse(case, lapse, left)
                if left == (case.awarded,):
                    continue
                chain.redress = (accreditation.redress,)
                lapsed = f"{lapse.status.value} {times((lapse.days,))} ({accreditation.id})"
                text = f"By {snapshot.file.name} the issuer was {lapsed}"
                if left:
                    return Reason("award.date_needed", f"{text}: the exact date of the award is needed.")
                return Reason(f"status.{lapse.status.value}", f"{text}; no other authority overrules that.")
    return None


def at_hand(chain: Chain) -> Reason | None:  # 26
    """Refuse where a file, or the part of one that would name the issuer, could not be had."""
    if chain.last is None:
        text = f"The governance file of {chain.name(chain.newest)} could not be had, so it is not known."
        return Reason("recognition.unreachable", text)
    for snapshot in (*chain.files, chain.last):
        if not snapshot.file.holds(chain.case.issuer):
            text = f"The part of the governance file of {snapshot.file.name} that would name the issuer was not read."
            return Reason("recognition.part_missing", text)
    return None


def fresh(chain: Chain) -> Reason | None:  # 27
    """Refuse a file of an authority that nobody vouches for now."""
    if chain.last is None or chain.last.is_fresh(chain.case.at):
        return None
    whose = f"the governance file of {chain.name(chain.newest)}"
    return Reason("recognition.stale", stale(chain.last, whose))


def _not_for(chain: Chain, refused: int | None, code: str, what: str) -> Reason | None:
    if refused is None:
        return None
    return Reason(f"recognition.{code}", f"{chain.name(refused)} is not recognised for {what}.")
