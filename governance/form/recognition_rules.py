"""The rules about other authorities: whose files are trusted, and for what their issuers count here.

Errors, `trusted_governance`: 1. a publisher stands once and is not the author. Errors, recognitions: 2. they stand
under the DID of a publisher of `trusted_governance`, never the author's; 3. an id stands once; 4. credential types are
listed schemas, countries exist; 5. the lower EQF level is the first; 6. intervals; 7. decisions (4, 6 and 7 as in
`scope_rules`). That occupations exist, `onward` is 0 to 3, the file's address https, and that each recognition names
whom to appeal to is part of their form (`model`, `statement_model`).

Warnings: 8. a publisher of whom nothing is recognised, so its file grants nothing; 9. exclusions without effect, or of
everything; 10. all its days have lapsed, so it grants nothing; 11. a recognised occupation that is regulated in the
same place, or of which a part is, while no recognition of that authority is for access to regulated professions; 12. a
publisher whose DID is no did:webvh, so nobody can check its file.
"""

from collections.abc import Iterator
from datetime import date

from wanderbuch.governance.facts.groups import nothing_left, overlap
from wanderbuch.governance.facts.question import Purpose
from wanderbuch.governance.facts.spans import touches
from wanderbuch.governance.form.findings import Finding, error, pointer, warning
from wanderbuch.governance.form.parts import Parts, Placed
from wanderbuch.governance.form.scope_rules import (
    counting_days,
    countries_known,
    decisions_in_order,
    exclusions_have_effect,
    grants_something,
    ids_once,
    intervals_in_order,
    types_listed,
)
from wanderbuch.governance.form.statement_model import RecognitionJson


def recognition_findings(parts: Parts, latest: date | None) -> Iterator[Finding]:
    """Yield every finding about other authorities; `latest` is the last day a decision can have been made."""
    yield from _publishers(parts)
    yield from ids_once("recognition", parts.recognitions)  # 3
    for recognition in parts.recognitions:
        recognition_json = recognition.content
        yield from _publisher_trusted(recognition, parts)
        yield from types_listed(recognition, "credential_types", recognition_json.credential_types, parts)  # 4
        yield from countries_known(recognition, recognition_json.jurisdictions)
        if recognition_json.level_range.min > recognition_json.level_range.max:  # 5
            mistake = f"found {recognition_json.level_range.min!r} above {recognition_json.level_range.max!r}"
            message = f"expected the lower level as min, {mistake}"
            yield error(recognition.at("level_range"), "level-order", message, "swap min and max")
        yield from intervals_in_order(recognition, recognition_json.intervals)  # 6
        yield from decisions_in_order(recognition, recognition_json.status, latest)  # 7
        yield from grants_something(recognition, recognition_json.intervals, recognition_json.status)  # 10
        yield from _regulated(recognition, parts)
    yield from exclusions_have_effect(parts.recognitions, "authority")  # 9


def _publishers(parts: Parts) -> Iterator[Finding]:
    if parts.file is None:
        return
    recognised = {recognition.did for recognition in parts.recognitions}
    seen: set[str] = set()
    for position, trusted in enumerate(parts.file.trusted_governance):
        path = pointer("trusted_governance", position, "publisher")
        if trusted.publisher == parts.file.author:  # 1
            message = "expected another authority, found the author of this file"
            yield error(path, "publisher-is-other", message, "remove it")
        if trusted.publisher in seen:
            message = "expected each publisher once, found this one again"
            yield error(path, "publisher-once", message, "keep the address of its current file")
        seen.add(trusted.publisher)
        if trusted.publisher.method != "webvh":  # 12
            message = f"expected a did:webvh, found a did:{trusted.publisher.method}, whose file nobody here can check"
            yield warning(path, "signature-checkable", message, "ask the authority for its did:webvh")
        if trusted.publisher not in recognised:  # 8
            message = "nothing is recognised of this authority, so its file grants nothing here"
            yield warning(path, "publisher-recognised", message, "add a recognition.json statement, or remove it")


def _publisher_trusted(recognition: Placed[RecognitionJson], parts: Parts) -> Iterator[Finding]:
    file = parts.file
    if file is None:
        return
    if recognition.did == file.author:  # 2
        message = "expected another authority, found the author of this file"
        fix = "what the author's own issuers may do is said by accreditations"
        yield error(recognition.path, "recognition-of-other", message, fix)
    elif recognition.did not in {governance_json.publisher for governance_json in file.trusted_governance}:
        message = "expected a publisher of trusted_governance, found another DID"
        fix = "add it there with the address of its signed file"
        yield error(recognition.path, "publisher-trusted", message, fix)


def _regulated(recognition: Placed[RecognitionJson], parts: Parts) -> Iterator[Finding]:
    profession = Purpose.REGULATED_PROFESSION.value
    allowed = [
        code
        for statement in parts.recognitions
        if statement.did == recognition.did and profession in statement.content.purposes
        for code in statement.content.occupations
    ]
    settled = (*allowed, *recognition.content.excluded_occupations)
    for position, code in enumerate(recognition.content.occupations):  # 11
        for regulation in parts.regulations:
            where = set(regulation.content.jurisdictions) & set(recognition.content.jurisdictions)
            days = counting_days(recognition.content.intervals)
            when = any(touches(days, counting_day) for counting_day in counting_days(regulation.content.intervals))
            common = [
                max(code, occupation, key=len)
                for occupation in regulation.content.occupations
                if overlap((occupation,), code)
            ]
            regulated = [code for code in common if not nothing_left(settled, code)]
            if regulated and where and when:
                named = ", ".join(dict.fromkeys(regulated))
                message = f"{named} is regulated in {', '.join(sorted(where))} ({regulation.content.id})"
                fix = f'without the purpose "{profession}" it counts there for study alone'
                yield warning(recognition.at("occupations", position), "regulated-recognised", message, fix)
                break
