"""Who may do what, before and after: accreditations, recognitions, regulations, verifiers; programmes and refusals.

Statements are matched by their id. One that moved to another DID ended for the first and began for the second.
"""

from collections.abc import Callable, Iterator
from typing import Final

from wanderbuch.governance import wording
from wanderbuch.governance.difference import (
    Difference,
    Effect,
    Subject,
    Words,
    changed_texts,
    levels,
    matched,
    of_codes,
    of_days,
    of_levels,
    of_names,
    places,
)
from wanderbuch.governance.file import Accreditation, GovernanceFile, Status, StatusChange
from wanderbuch.governance.statements import Programme, Recognition, Refusal, Regulation, Verification

_OCCUPATIONS: Final = Words("occupations", "now also counts for", "no longer counts for")
_EXCLUSIONS: Final = Words(
    "exclusions", "is now excluded from", "is no longer excluded from", narrows=True
)  # fmt: skip
_PLACES: Final = Words("places", "now also counts in", "no longer counts in")
_DAYS: Final = Words("days", "now also counts for awards dated", "no longer counts for awards dated")
_TYPES: Final = Words("types", "now also counts for credentials of type", "no longer counts for credentials of type")
_DEFINITIONS: Final = Words(
    "definitions",
    "may now also sign with the credential definition",
    "may no longer sign with the credential definition",
)
_PURPOSES: Final = Words("purposes", "now also counts for", "no longer counts for")
_STATUS: Final = {
    Status.SUSPENDED: ("suspended", Effect.LOSS, "was suspended"),
    Status.WITHDRAWN: ("withdrawn", Effect.LOSS, "lost its accreditation"),
    Status.ACTIVE: ("reinstated", Effect.GAIN, "was reinstated"),
}


def of_accreditations(before: GovernanceFile | None, after: GovernanceFile) -> Iterator[Difference]:
    """Compare what issuers count for."""
    old = {} if before is None else {(each.issuer, each.id): each for each in before.accreditations}
    new = {(each.issuer, each.id): each for each in after.accreditations}
    name = _names(before, after)
    for (issuer, statement), was, now in matched(old, new):
        subject = Subject("accreditation", issuer, name(issuer), statement)
        if was is None and now is not None:
            text = f"is now accredited for {_scope_of(now)}"
            yield subject.differs("granted", Effect.GAIN, text, codes=now.occupations)
            yield from of_codes(subject, _EXCLUSIONS, (), now.excluded_occupations)
            for change in now.changes:
                yield _decision(subject, change)
        elif now is None and was is not None:
            text = f"is no longer accredited for {_scope_of(was)}: the statement was removed, without a decision"
            yield subject.differs("removed", Effect.LOSS, text, codes=was.occupations)
            yield from of_codes(subject, _EXCLUSIONS, was.excluded_occupations, ())
        elif was is not None and now is not None:
            yield from _of_accreditation(subject, was, now)


def of_recognitions(before: GovernanceFile | None, after: GovernanceFile) -> Iterator[Difference]:
    """Compare which other authorities count, and for what."""
    old_files = {} if before is None else {each.publisher: each for each in before.trusted_governance}
    new_files = {each.publisher: each for each in after.trusted_governance}
    name = _names(before, after)
    for publisher, was_file, now_file in matched(old_files, new_files):
        subject = Subject("authority", publisher, name(publisher), "")
        if was_file is None and now_file is not None:
            text = f": its governance file is now read from {now_file.uri}"
            yield subject.differs("named", Effect.NONE, text, uri=now_file.uri)
        elif now_file is None:
            text = ": its governance file is no longer read, so nothing it says counts here"
            yield subject.differs("dropped", Effect.LOSS, text)
        else:
            yield subject.differs("moved", Effect.NONE, f": its governance file is now read from {now_file.uri}")
    old = {} if before is None else {(each.publisher, each.id): each for each in before.recognitions}
    new = {(each.publisher, each.id): each for each in after.recognitions}
    for (publisher, statement), was, now in matched(old, new):
        subject = Subject("recognition", publisher, name(publisher), statement)
        if was is None and now is not None:
            text = f": its issuers now count here for {_recognised(now)}"
            yield subject.differs("granted", Effect.GAIN, text, codes=now.occupations)
            if now.lapses:
                yield subject.differs("lapses-changed", Effect.CHANGE, f"does not count: {_lapses(now)}")
        elif now is None and was is not None:
            text = f": its issuers no longer count here for {_recognised(was)}"
            yield subject.differs("removed", Effect.LOSS, text, codes=was.occupations)
        elif was is not None and now is not None:
            yield from _of_recognition(subject, was, now)


def of_regulations(before: GovernanceFile | None, after: GovernanceFile) -> Iterator[Difference]:
    """Compare which occupations need the destination's own decision."""
    old = {} if before is None else {each.id: each for each in before.regulations}
    words = Words("occupations", "are now regulated:", "are no longer regulated:", narrows=True)
    where = Words("places", "are now regulated in", "are no longer regulated in", narrows=True)
    when = Words("days", "are now regulated", "are no longer regulated", narrows=True)
    for statement, was, now in matched(old, {each.id: each for each in after.regulations}):
        subject = Subject("regulation", statement, "Occupations", statement)
        yield from of_codes(subject, words, was.occupations if was else (), now.occupations if now else ())
        if was is None and now is not None:
            text = f"are regulated in {places(now.jurisdictions)} {wording.times(now.intervals)}"
            yield subject.differs("added", Effect.LOSS, text)
        elif was is not None and now is not None:
            yield from of_names(subject, where, was.jurisdictions, now.jurisdictions)
            yield from of_days(subject, when, was.intervals, now.intervals)
            yield from _texts(subject, was, now, "competent_authority", "decision", "redress")


def of_verifications(before: GovernanceFile | None, after: GovernanceFile) -> Iterator[Difference]:
    """Compare what verifiers may ask for."""
    old = {} if before is None else {(each.verifier, each.id): each for each in before.verifications}
    new = {(each.verifier, each.id): each for each in after.verifications}
    name = _names(before, after)
    for (verifier, statement), was, now in matched(old, new):
        subject = Subject("verification", verifier, name(verifier), statement)
        if was is None and now is not None:
            text = f"may now ask for {_asked(now)}"
            yield subject.differs("granted", Effect.GAIN, text, attributes=tuple(sorted(now.attributes)))
        elif now is None and was is not None:
            text = f"may no longer ask for {_asked(was)}"
            yield subject.differs("removed", Effect.LOSS, text, attributes=tuple(sorted(was.attributes)))
        elif was is not None and now is not None:
            yield from _of_verification(subject, was, now)


def of_programmes(before: GovernanceFile | None, after: GovernanceFile) -> Iterator[Difference]:
    """Compare what issuers teach or assess. It grants nothing."""
    old = {} if before is None else {(each.provider, each.id): each for each in before.programmes}
    name = _names(before, after)
    for (provider, statement), was, now in matched(old, {(each.provider, each.id): each for each in after.programmes}):
        subject = Subject("programme", provider, name(provider), statement)
        shown = now or was
        title = _programme(shown) if shown else ""
        code, text = ("added", "now offers") if was is None else ("ended", "no longer offers")
        if was is not None and now is not None:
            code, text = "changed", "changed what it says of its programme"
        yield subject.differs(code, Effect.NONE, f"{text} {title}", title=shown.title if shown else "")


def of_refusals(before: GovernanceFile | None, after: GovernanceFile) -> Iterator[Difference]:
    """Compare which applications were refused. It takes nothing from accreditations."""
    old = {} if before is None else {(each.applicant, each.id): each for each in before.refusals}
    name = _names(before, after)
    for (applicant, statement), was, now in matched(old, {(each.applicant, each.id): each for each in after.refusals}):
        subject = Subject("refusal", applicant, name(applicant), statement)
        shown: Refusal | None = now or was
        codes = shown.occupations if shown else ()
        said = "was refused an accreditation for"
        if was is not None:
            said = ": the refusal was taken out of the file for" if now is None else ": the refusal was rewritten for"
        code = "added" if was is None else "removed" if now is None else "changed"
        yield subject.differs(code, Effect.NONE, f"{said} {wording.occupations(codes)}", codes=codes)


def _of_accreditation(subject: Subject, was: Accreditation, now: Accreditation) -> Iterator[Difference]:
    yield from of_codes(subject, _OCCUPATIONS, was.occupations, now.occupations)
    yield from of_codes(subject, _EXCLUSIONS, was.excluded_occupations, now.excluded_occupations)
    yield from of_levels(
        subject,
        (was.level_range.framework, was.level_range.lowest, was.level_range.highest),
        (now.level_range.framework, now.level_range.lowest, now.level_range.highest),
    )
    yield from of_names(subject, _PLACES, was.jurisdictions, now.jurisdictions)
    yield from of_days(subject, _DAYS, was.intervals, now.intervals)
    yield from of_names(subject, _TYPES, was.credential_types, now.credential_types)
    yield from of_names(subject, _DEFINITIONS, was.cred_def_ids, now.cred_def_ids)
    if was.changes != now.changes:
        if now.changes[: len(was.changes)] == was.changes:
            for change in now.changes[len(was.changes) :]:
                yield _decision(subject, change)
        else:
            text = ": decisions that were in the file before were removed or rewritten"
            yield subject.differs("decisions-rewritten", Effect.CHANGE, text)
    yield from _texts(subject, was, now, "title", "accrediting_agent", "decision", "redress", "quality_assurance")


def _of_recognition(subject: Subject, was: Recognition, now: Recognition) -> Iterator[Difference]:
    yield from of_codes(subject, _OCCUPATIONS, was.occupations, now.occupations)
    yield from of_codes(subject, _EXCLUSIONS, was.excluded_occupations, now.excluded_occupations)
    yield from of_levels(
        subject,
        ("EQF", str(was.min_eqf_level), str(was.max_eqf_level)),
        ("EQF", str(now.min_eqf_level), str(now.max_eqf_level)),
    )
    yield from of_names(
        subject, _PURPOSES, (each.value for each in was.purposes), (each.value for each in now.purposes)
    )
    yield from of_names(subject, _PLACES, was.jurisdictions, now.jurisdictions)
    yield from of_days(subject, _DAYS, was.intervals, now.intervals)
    yield from of_names(subject, _TYPES, was.credential_types, now.credential_types)
    if was.lapses != now.lapses:
        text = f"does not count: {_lapses(now)}" if now.lapses else "no longer lapses at any time"
        yield subject.differs("lapses-changed", Effect.CHANGE, text)
    if was.onward != now.onward:
        effect = Effect.GAIN if now.onward > was.onward else Effect.LOSS
        text = f"may bring in {now.onward} further authorities in a row, was {was.onward}"
        yield subject.differs("onward-changed", effect, text, before=was.onward, after=now.onward)
    yield from _texts(subject, was, now, "decision", "redress")


def _of_verification(subject: Subject, was: Verification, now: Verification) -> Iterator[Difference]:
    attributes = Words("attributes", "may now also ask to see", "may no longer ask to see")
    predicates = Words("predicates", "may now also ask for a bound on", "may no longer ask for a bound on")
    purposes = Words("purposes", "may now also ask for the purpose", "may no longer ask for the purpose")
    where = Words("places", "may now also ask in", "may no longer ask in")
    when = Words("days", "may now also ask", "may no longer ask")
    if was.credential_type != now.credential_type:
        text = f"may ask about {now.credential_type}, was {was.credential_type}"
        yield subject.differs(
            "type-changed", Effect.CHANGE, text, before=was.credential_type, after=now.credential_type
        )
    yield from of_names(subject, attributes, was.attributes, now.attributes)
    yield from of_names(subject, predicates, was.predicates, now.predicates)
    yield from of_names(subject, purposes, (each.value for each in was.purposes), (each.value for each in now.purposes))
    yield from of_names(subject, where, was.jurisdictions, now.jurisdictions)
    yield from of_days(subject, when, was.intervals, now.intervals)
    yield from _texts(subject, was, now, "legal_basis", "redress")


def _names(before: GovernanceFile | None, after: GovernanceFile) -> Callable[[str], str]:
    names: dict[str, str] = {}
    for file in (before, after):
        names |= {each.did: each.name for each in (file.participants if file else ()) if each.name}
    return lambda did: names.get(did, did)


def _decision(subject: Subject, change: StatusChange) -> Difference:
    code, effect, text = _STATUS[change.status]
    why = f": {change.reason.rstrip('.')}" if change.reason else ""
    said = f"{text} for awards from {change.effective_from} on, decided on {change.decided_on}{why}"
    return subject.differs(
        code, effect, said, effective_from=str(change.effective_from), decided_on=str(change.decided_on)
    )


def _scope_of(given: Accreditation) -> str:
    own = (given.level_range.framework, given.level_range.lowest, given.level_range.highest)
    but = f", but not {wording.occupations(given.excluded_occupations)}" if given.excluded_occupations else ""
    return (
        f"{wording.occupations(given.occupations)}{but}; {levels(own)}; "
        f"in {places(given.jurisdictions)}; awards dated {wording.times(given.intervals)}"
    )


def _recognised(given: Recognition) -> str:
    eqf = ("EQF", str(given.min_eqf_level), str(given.max_eqf_level))
    but = f", but not {wording.occupations(given.excluded_occupations)}" if given.excluded_occupations else ""
    return (
        f"{wording.occupations(given.occupations)}{but}; {levels(eqf)}; "
        f"in {places(given.jurisdictions)}; for {', '.join(each.value for each in given.purposes)}; "
        f"awards dated {wording.times(given.intervals)}"
    )


def _lapses(given: Recognition) -> str:
    return f"awards dated {wording.times(each.days for each in given.lapses)}"


def _asked(given: Verification) -> str:
    shown, bounds = ", ".join(sorted(given.attributes)), ", ".join(sorted(given.predicates))
    return f"{shown or 'nothing'}{f' and for bounds on {bounds}' if bounds else ''} of {given.credential_type}"


def _programme(given: Programme) -> str:
    return f"{given.title!r}, {wording.occupation(given.occupation)}, {given.framework} {given.level}"


def _texts[T: (Accreditation, Recognition, Regulation, Verification)](
    subject: Subject, was: T, now: T, *members: str
) -> Iterator[Difference]:
    yield from changed_texts(subject, {name: (getattr(was, name), getattr(now, name)) for name in members})
