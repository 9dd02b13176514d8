"""Is this a governance file that can be relied on? All findings at once, each with its place and how to fix it.

The checks, in order; each goes on where an earlier one failed elsewhere in the file:

1. strict JSON (`strict_json`); 2. the form of CTE 1.0 (`cte_model`) and, by statement, of our profile (`model`);
3. the rules between the parts (`consistency`). Only a file without errors becomes a `GovernanceFile` (`domain`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did, IdentifierError
from wanderbuch.governance.facts.listings import RegisterId
from wanderbuch.governance.form.consistency import inconsistencies
from wanderbuch.governance.form.cte_model import (
    ALIAS,
    DESCRIPTION,
    ROLES,
    AliasJson,
    CteFileJson,
    DescriptionJson,
    RoleGrantJson,
)
from wanderbuch.governance.form.domain import to_domain
from wanderbuch.governance.form.findings import (
    Finding,
    GovernanceFileError,
    Severity,
    error,
    of_pydantic,
    pointer,
    warning,
)
from wanderbuch.governance.form.formats import RegisterIdText
from wanderbuch.governance.form.listing_model import ListingJson
from wanderbuch.governance.form.model import (
    ACCREDITATION,
    CROSSWALK,
    DIVIDED,
    LISTING,
    PROGRAMMES,
    RECOGNITION,
    REFUSAL,
    REGULATION,
    SIGNATORIES,
    SUCCESSION,
    VERIFICATION,
    AccreditationJson,
    CrosswalkJson,
    accreditation_form,
)
from wanderbuch.governance.form.parts import Parts, PlacedListing
from wanderbuch.governance.form.records import ParticipantRecord, join, record_key, split
from wanderbuch.governance.form.statement_model import (
    DividedJson,
    ProgrammeJson,
    RecognitionJson,
    RefusalJson,
    RegulationJson,
    SignatoriesJson,
    SuccessionJson,
    VerificationJson,
    divided_form,
)
from wanderbuch.strict_json import StrictJsonError, read_strict_json

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 24
MAX_FINDINGS: Final = 1000

__all__ = ["MAX_FILE_BYTES", "GovernanceFileError", "Report", "parse_file", "validate_file", "validate_records"]

# Statement schema -> the one member that holds a list, and the form of its elements.
_LISTS: Final[dict[str, tuple[str, type[BaseModel]]]] = {
    ROLES: ("roles", RoleGrantJson),
    ACCREDITATION: ("accreditations", AccreditationJson),
    CROSSWALK: ("crosswalks", CrosswalkJson),
    RECOGNITION: ("recognitions", RecognitionJson),
    REGULATION: ("regulations", RegulationJson),
    VERIFICATION: ("verifications", VerificationJson),
    PROGRAMMES: ("programmes", ProgrammeJson),
    REFUSAL: ("refusals", RefusalJson),
    SUCCESSION: ("successions", SuccessionJson),
}
_OBJECTS: Final[dict[str, type[BaseModel]]] = {
    DESCRIPTION: DescriptionJson,
    ALIAS: AliasJson,
    SIGNATORIES: SignatoriesJson,
    DIVIDED: DividedJson,
}
RegisterIds: Final[TypeAdapter[RegisterId]] = TypeAdapter(RegisterIdText)
"""Checks a register id."""
_ENTRIES: Final = pointer("participants", "entries")


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a validation.

    Args:
        file: the file, None if there are errors.
    """

    findings: tuple[Finding, ...]
    file: GovernanceFile | None = field(repr=False)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that make the file unusable."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that are worth a second look."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.WARNING)


def parse_file(payload: bytes) -> GovernanceFile:
    """Return the governance file in `payload` (unsigned JSON).

    Raises:
        GovernanceFileError: it has errors; `findings` holds all of them.
    """
    report = validate_file(payload)
    if report.file is None:
        raise GovernanceFileError(report.findings)
    return report.file


def validate_file(payload: bytes) -> Report:
    """Return every finding about the governance file in `payload` (unsigned JSON)."""
    try:
        document = read_strict_json(payload, max_bytes=MAX_FILE_BYTES, max_depth=MAX_DEPTH)  # 1
    except StrictJsonError as err:
        return Report((error("", "strict-json", err.message, err.hint or "correct the file"),), None)
    if not isinstance(document, dict):
        finding = error(
            "", "object", f"expected one JSON object, found {type(document).__name__}", "write one in braces"
        )
        return Report((finding,), None)
    return _validate_document(document)


def validate_records(root: Mapping[str, Any], records: Iterable[ParticipantRecord]) -> tuple[Finding, ...]:
    """Return every finding about records that stand, or shall stand, in the parts of a divided file.

    They are checked as in a whole file, by the same rules, with the root's schemas, roles and crosswalks. That an id
    stands once is checked among these records and the root; among all of them it is when the file is loaded (`bulk`).

    Args:
        root: the payload of the root; findings about it alone are left to `validate_file`.
        records: those that changed, or those of a part.
    """
    header, own = split(root)
    entries = header["participants"]["entries"]
    entries.pop(DIVIDED, None)
    by_did = {record_key(record): record for record in records}
    report = _validate_document(join(header, own | by_did))
    about = {pointer(did).removeprefix("/") for did in by_did}
    return tuple(finding for finding in report.findings if set(finding.path.split("/")[4:5]) & about)


def _validate_document(document: dict[str, Any]) -> Report:
    reader = _Reader()
    parts = reader.read(document)  # 2
    findings = [*reader.findings, *inconsistencies(parts)]  # 3
    findings.sort(key=lambda finding: (finding.severity is not Severity.ERROR, finding.path))
    file = None
    if parts.file is not None and not any(finding.severity is Severity.ERROR for finding in findings):
        file = to_domain(parts)
    return Report(tuple(findings[:MAX_FINDINGS]), file)


class _Reader:
    """Reads part by part, so that one mistake hides no other."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def read(self, document: dict[str, Any]) -> Parts:
        file = self._model(CteFileJson, document, "")
        self._unknown_members(CteFileJson, document, "")
        participants = document.get("participants")
        entries = participants.get("entries") if isinstance(participants, dict) else None
        parts = Parts(file, document)
        for uri, by_did in (entries if isinstance(entries, dict) else {}).items():
            if uri not in _LISTS and uri not in _OBJECTS and uri != LISTING:
                continue  # CTE: unknown statement schemas are ignored
            path = _ENTRIES + pointer(uri)
            if not isinstance(by_did, dict):
                kind = type(by_did).__name__
                self.findings.append(
                    error(path, "object", f"expected an object keyed by DID, found {kind}", "write one")
                )
                continue
            for key, body in by_did.items():
                self._statement(parts, uri, key, body, path + pointer(key))
        return parts

    def _listing(self, parts: Parts, key: str, body: Any, path: str) -> None:
        try:
            register_id = RegisterIds.validate_python(key)
        except ValidationError as err:
            self.findings.extend(of_pydantic(err.errors(include_url=False), path, ()))
            return
        parsed = self._model(ListingJson, body, path)
        if parsed is not None:
            parts.listings.append(PlacedListing(path, parsed, register_id))

    def _statement(self, parts: Parts, uri: str, key: str, body: Any, path: str) -> None:
        if uri == LISTING:
            self._listing(parts, key, body, path)
            return
        try:
            did = Did.parse(key)
        except IdentifierError as err:
            self.findings.append(error(path, "identifier", err.message, "write the participant's DID"))
            return
        if uri in _OBJECTS:
            model: type[BaseModel] = divided_form(body) if uri == DIVIDED else _OBJECTS[uri]
            parsed = self._model(model, body, path)
            if parsed is not None:
                parts.add(did, path, parsed)
            return
        for element_path, element in self._elements(uri, body, path):
            model = accreditation_form(element) if uri == ACCREDITATION else _LISTS[uri][1]
            parsed = self._model(model, element, element_path)
            if parsed is not None:
                parts.add(did, element_path, parsed)

    def _elements(self, uri: str, body: Any, path: str) -> Iterator[tuple[str, Any]]:
        member = _LISTS[uri][0]
        elements = body.get(member) if isinstance(body, dict) else None
        if not isinstance(elements, list) or not elements:
            message = f"expected an object with a list {member!r} of at least one element"
            self.findings.append(error(path, "list", message, f'write {{"{member}": [ … ]}}'))
            return
        if uri != ROLES:
            for name in body.keys() - {member}:
                message = "found a member that is not known here"
                self.findings.append(error(path + pointer(name), "member-unknown", message, "remove it"))
        for position, element in enumerate(elements):
            yield path + pointer(member, position), element

    def _model[M: BaseModel](self, model: type[M], raw: Any, path: str) -> M | None:
        try:
            return model.model_validate(raw)
        except ValidationError as err:
            self.findings.extend(of_pydantic(err.errors(include_url=False), path, _members(model)))
            return None

    def _unknown_members(self, model: type[BaseModel], raw: dict[str, Any], path: str) -> None:
        for name in raw.keys() - _members(model):
            self.findings.append(
                warning(
                    path + pointer(name),
                    "member-ignored",
                    "found a member that CTE 1.0 does not name; it is ignored",
                    "check the spelling",
                )
            )


def _members(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}
