"""Who may do what, before and after: accreditations, recognitions, regulations, verifiers; programmes and refusals.

Statements are matched by their id. One that moved to another DID ended for the first and began for the second.
"""

from collections.abc import Callable, Iterator
from typing import Final

from wanderbuch.governance.comparing.difference import (
    ChangeSubject,
    ChangeWords,
    Difference,
    Effect,
    changed_texts,
    levels,
    matched,
    of_codes,
    of_days,
    of_levels,
    of_names,
    places,
)
from wanderbuch.governance.facts import wording
from wanderbuch.governance.facts.file import Accreditation, GovernanceFile, Status, StatusChange
from wanderbuch.governance.facts.sources import Binding
from wanderbuch.governance.facts.statements import (
    Programme,
    Recognition,
    Refusal,
    Regulation,
    Succession,
    VerifierAuthorization,
)

_OCCUPATIONS: Final = ChangeWords("occupations", "now also counts for", "no longer counts for")
_EXCLUSIONS: Final = ChangeWords(
    "exclusions", "is now excluded from", "is no longer excluded from", narrows=True
)  # fmt: skip
_PLACES: Final = ChangeWords("places", "now also counts in", "no longer counts in")
_DAYS: Final = ChangeWords("days", "now also counts for awards dated", "no longer counts for awards dated")
_TYPES: Final = ChangeWords(
    "types", "now also counts for credentials of type", "no longer counts for credentials of type"
)
_SOURCES: Final = ChangeWords(
    "definitions",
    "may now also sign with",
    "may no longer sign with",
)
_BINDINGS: Final = ChangeWords(
    "bindings",
    "now also counts when what ties it to its holder is",
    "no longer counts when what ties it to its holder is",
    labels={
        Binding.LINK_SECRET.value: "a secret of the holder's wallet",
        Binding.KEY.value: "a key of the holder's wallet",
        Binding.NONE.value: "nothing, so that anybody with a copy can show it",
    },
)
_PURPOSES: Final = ChangeWords("purposes", "now also counts for", "no longer counts for")
_STATUS: Final = {
    Status.SUSPENDED: ("suspended", Effect.LOSS, "was suspended"),
    Status.WITHDRAWN: ("withdrawn", Effect.LOSS, "lost its accreditation"),
    Status.ACTIVE: ("reinstated", Effect.GAIN, "was reinstated"),
}


def of_accreditations(before: GovernanceFile | None, after: GovernanceFile) -> Iterator[Difference]:
    """Compare what issuers count for."""
    old = (
        {}
        if before is None
        else {(accreditation.issuer, accreditation.id): accreditation for accreditation in before.accreditations}
    )
    new = {(accreditation.issuer, accreditation.id): accreditation for accreditation in after.accreditations}
    name = _names(before, after)
    for (issuer, statement), was, now in matched(old, new):
        subject = ChangeSubject("accreditation", issuer, name(issuer), statement)
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
    old_files = (
        {}
        if before is None
        else {trusted_governance.publisher: trusted_governance for trusted_governance in before.trusted_governance}
    )
    new_files = {trusted_governance.publisher: trusted_governance for trusted_governance in after.trusted_governance}
    name = _names(before, after)
    for publisher, was_file, now_file in matched(old_files, new_files):
        subject = ChangeSubject("authority", publisher, name(publisher), "")
        if was_file is None and now_file is not None:
            text = f": its governance file is now read from {now_file.uri}"
            yield subject.differs("named", Effect.NONE, text, uri=now_file.uri)
        elif now_file is None:
            text = ": its governance file is no longer read, so nothing it says counts here"
            yield subject.differs("dropped", Effect.LOSS, text)
        else:
            yield subject.differs("moved", Effect.NONE, f": its governance file is now read from {now_file.uri}")
    old = (
        {}
        if before is None
        else {(recognition.publisher, recognition.id): recognition for recognition in before.recognitions}
    )
    new = {(recognition.publisher, recognition.id): recognition for recognition in after.recognitions}
    for (publisher, statement), was, now in matched(old, new):
        subject = ChangeSubject("recognition", publisher, name(publisher), statement)
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
    old = {} if before is None else {regulation.id: regulation for regulation in before.regulations}
    words = ChangeWords("occupations", "are now regulated:", "are no longer regulated:", narrows=True)
    where = ChangeWords("places", "are now regulated in", "are no longer regulated in", narrows=True)
    when = ChangeWords("days", "are now regulated", "are no longer regulated", narrows=True)
    for statement, was, now in matched(old, {regulation.id: regulation for regulation in after.regulations}):
        subject = ChangeSubject("regulation", statement, "Occupations", statement)
        yield from of_codes(subject, words, was.occupations if was else (), now.occupations if now else ())
        if was is None and now is not None:
            text = f"are regulated in {places(now.jurisdictions)} {wording.times(now.intervals)}"
            yield subject.differs("added", Effect.LOSS, text)
        elif was is not None and now is not None:
            yield from of_names(subject, where, was.jurisdictions, now.jurisdictions)
            yield from of_days(subject, when, was.intervals, now.intervals)
            yield from _texts(subject, was, now, "competent_authority", "decision", "redress")


def of_successions(before: GovernanceFile | None, after: GovernanceFile) -> Iterator[Difference]:
    """Compare who goes on with what centres leave open: nothing counts for more or less by it."""
    old = {} if before is None else {succession.centre: succession for succession in before.successions}
    name = _names(before, after)
    for centre, was, now in matched(old, {succession.centre: succession for succession in after.successions}):
        statement = now or was
        subject = ChangeSubject("succession", centre, name(centre), statement.id if statement else "")
        if now is None and was is not None:
            text = f": its open certificates are no longer taken over by {name(was.successor)}"
            yield subject.differs("removed", Effect.NONE, text, successor=was.successor)
        elif now is not None and (was is None or was.successor != now.successor):
            text = f": its open certificates are now taken over by {name(now.successor)} ({now.successor})"
            yield subject.differs("named", Effect.NONE, text, successor=now.successor)
        elif was is not None and now is not None:
            yield from _texts(subject, was, now, "decision", "reason")


def of_verifications(before: GovernanceFile | None, after: GovernanceFile) -> Iterator[Difference]:
    """Compare what verifiers may ask for."""
    old = (
        {}
        if before is None
        else {(verification.verifier, verification.id): verification for verification in before.verifications}
    )
    new = {(verification.verifier, verification.id): verification for verification in after.verifications}
    name = _names(before, after)
    for (verifier, statement), was, now in matched(old, new):
        subject = ChangeSubject("verification", verifier, name(verifier), statement)
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
    old = {} if before is None else {(programme.provider, programme.id): programme for programme in before.programmes}
    name = _names(before, after)
    for (provider, statement), was, now in matched(
        old, {(programme.provider, programme.id): programme for programme in after.programmes}
    ):
        subject = ChangeSubject("programme", provider, name(provider), statement)
        shown = now or was
        title = _programme(shown) if shown else ""
        code, text = ("added", "now offers") if was is None else ("ended", "no longer offers")
        if was is not None and now is not None:
            code, text = "changed", "changed what it says of its programme"
        yield subject.differs(code, Effect.NONE, f"{text} {title}", title=shown.title if shown else "")


def of_refusals(before: GovernanceFile | None, after: GovernanceFile) -> Iterator[Difference]:
    """Compare which applications were refused. It takes nothing from accreditations."""
    old = {} if before is None else {(refusal.applicant, refusal.id): refusal for refusal in before.refusals}
    name = _names(before, after)
    for (applicant, statement), was, now in matched(
        old, {(refusal.applicant, refusal.id): refusal for refusal in after.refusals}
    ):
        subject = ChangeSubject("refusal", applicant, name(applicant), statement)
        shown: Refusal | None = now or was
        codes = shown.occupations if shown else ()
        verb = "was refused an accreditation for"
        if was is not None:
            verb = ": the refusal was taken out of the file for" if now is None else ": the refusal was rewritten for"
        code = "added" if was is None else "removed" if now is None else "changed"
        yield subject.differs(code, Effect.NONE, f"{verb} {wording.occupations(codes)}", codes=codes)


def of_listings(before: GovernanceFile | None, after: GovernanceFile) -> Iterator[Difference]:
    """Compare which institutions are listed without a DID. It gives and takes no trust."""
    old = {} if before is None else {listing.register_id: listing for listing in before.listings}
    for register_id, was, now in matched(old, {listing.register_id: listing for listing in after.listings}):
        shown = now or was
        subject = ChangeSubject("listing", register_id, shown.name if shown else register_id, register_id)
        codes = tuple(
            dict.fromkeys(code for scope in (shown.accredited_for if shown else ()) for code in scope.occupations)
        )
        for_what = f" for {wording.occupations(codes)}" if codes else ""
        code, text = "changed", f": what the register says of it was changed{for_what and f'; it is listed{for_what}'}"
        if now is None:
            code, text = "removed", "is no longer listed in the register"
        elif was is None:
            code, text = "added", f"is listed in the register{for_what}; nothing that it issues counts yet"
        elif now.did is not None and was.did != now.did:
            code, text = "connected", f"is connected: it issues as {now.did}"
        yield subject.differs(code, Effect.NONE, text, codes=codes)


def _of_accreditation(subject: ChangeSubject, was: Accreditation, now: Accreditation) -> Iterator[Difference]:
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
    yield from of_names(subject, _SOURCES, was.sources, now.sources)
    yield from of_names(
        subject, _BINDINGS, (binding.value for binding in was.bindings), (binding.value for binding in now.bindings)
    )
    if was.changes != now.changes:
        if now.changes[: len(was.changes)] == was.changes:
            for change in now.changes[len(was.changes) :]:
                yield _decision(subject, change)
        else:
            text = ": decisions that were in the file before were removed or rewritten"
            yield subject.differs("decisions-rewritten", Effect.CHANGE, text)
    yield from _texts(subject, was, now, "title", "accrediting_agent", "decision", "redress", "quality_assurance")


def _of_recognition(subject: ChangeSubject, was: Recognition, now: Recognition) -> Iterator[Difference]:
    yield from of_codes(subject, _OCCUPATIONS, was.occupations, now.occupations)
    yield from of_codes(subject, _EXCLUSIONS, was.excluded_occupations, now.excluded_occupations)
    yield from of_levels(
        subject,
        ("EQF", str(was.min_eqf_level), str(was.max_eqf_level)),
        ("EQF", str(now.min_eqf_level), str(now.max_eqf_level)),
    )
    yield from of_names(
        subject, _PURPOSES, (purpose.value for purpose in was.purposes), (purpose.value for purpose in now.purposes)
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


def _of_verification(
    subject: ChangeSubject, was: VerifierAuthorization, now: VerifierAuthorization
) -> Iterator[Difference]:
    attributes = ChangeWords("attributes", "may now also ask to see", "may no longer ask to see")
    predicates = ChangeWords("predicates", "may now also ask for a bound on", "may no longer ask for a bound on")
    purposes = ChangeWords("purposes", "may now also ask for the purpose", "may no longer ask for the purpose")
    where = ChangeWords("places", "may now also ask in", "may no longer ask in")
    when = ChangeWords("days", "may now also ask", "may no longer ask")
    if was.credential_type != now.credential_type:
        text = f"may ask about {now.credential_type}, was {was.credential_type}"
        yield subject.differs(
            "type-changed", Effect.CHANGE, text, before=was.credential_type, after=now.credential_type
        )
    yield from of_names(subject, attributes, was.attributes, now.attributes)
    yield from of_names(subject, predicates, was.predicates, now.predicates)
    yield from of_names(
        subject, purposes, (purpose.value for purpose in was.purposes), (purpose.value for purpose in now.purposes)
    )
    yield from of_names(subject, where, was.jurisdictions, now.jurisdictions)
    yield from of_days(subject, when, was.intervals, now.intervals)
    if was.keeps_days != now.keeps_days:
        text = f"keeps answers for {_kept(now.keeps_days)}, was {_kept(was.keeps_days)}"
        before, after = _kept(was.keeps_days), _kept(now.keeps_days)
        yield subject.differs("keeping-changed", Effect.CHANGE, text, before=before, after=after)
    yield from _texts(subject, was, now, "aim", "privacy_policy", "legal_basis", "redress")


def _kept(days: int | None) -> str:
    return "it does not say how long" if days is None else f"{days} days"


def _names(before: GovernanceFile | None, after: GovernanceFile) -> Callable[[str], str]:
    names: dict[str, str] = {}
    for file in (before, after):
        names |= {
            participant.did: participant.name for participant in (file.participants if file else ()) if participant.name
        }
    return lambda did: names.get(did, did)


def _decision(subject: ChangeSubject, change: StatusChange) -> Difference:
    code, effect, text = _STATUS[change.status]
    why = f": {change.reason.rstrip('.')}" if change.reason else ""
    sentence = f"{text} for awards from {change.effective_from} on, decided on {change.decided_on}{why}"
    return subject.differs(
        code, effect, sentence, effective_from=str(change.effective_from), decided_on=str(change.decided_on)
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
        f"in {places(given.jurisdictions)}; for {', '.join(purpose.value for purpose in given.purposes)}; "
        f"awards dated {wording.times(given.intervals)}"
    )


def _lapses(given: Recognition) -> str:
    return f"awards dated {wording.times(lapse.days for lapse in given.lapses)}"


def _asked(given: VerifierAuthorization) -> str:
    shown, bounds = ", ".join(sorted(given.attributes)), ", ".join(sorted(given.predicates))
    return f"{shown or 'nothing'}{f' and for bounds on {bounds}' if bounds else ''} of {given.credential_type}"


def _programme(given: Programme) -> str:
    return f"{given.title!r}, {wording.occupation(given.occupation)}, {given.framework} {given.level}"


def _texts[T: (Accreditation, Recognition, Regulation, Succession, VerifierAuthorization)](
    subject: ChangeSubject, was: T, now: T, *members: str
) -> Iterator[Difference]:
    yield from changed_texts(subject, {name: (getattr(was, name), getattr(now, name)) for name in members})
