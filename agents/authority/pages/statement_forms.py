"""The forms of the statements that officials edit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from wanderbuch.agents.authority.pages.forms import FormField, Kind
from wanderbuch.governance.findings import pointer
from wanderbuch.governance.model import ACCREDITATION, DESCRIPTION, PROGRAMMES, RECOGNITION, REFUSAL
from wanderbuch.schemas.frameworks import frameworks

_PURPOSES: Final = ("employment", "study", "regulated-profession")
_STATES: Final = ("active", "suspended", "withdrawn")
_SETTINGS: Final = ("formal", "non-formal", "informal-rpl")
_EQF: Final = tuple("12345678")


def _optional(member: str, kind: Kind, label: str, **more: Any) -> FormField:
    return FormField(member, kind, label, is_needed=False, **more)


_INTERVALS: Final = FormField(
    "intervals",
    Kind.ROWS,
    "accreditation.awarded",
    has_hint=True,
    fields=(FormField("start", Kind.DAY, "form.start"), _optional("end", Kind.DAY, "form.end")),
)


def _decisions(*, with_registries: bool) -> FormField:
    registries = (_optional("registries", Kind.LINES, "form.registries", has_hint=True),) if with_registries else ()
    return _optional(
        "status",
        Kind.ROWS,
        "form.decisions",
        has_hint=True,
        fields=(
            FormField("status", Kind.CHOICE, "form.decided", options=_STATES),
            FormField("decided_on", Kind.DAY, "refusal.decided"),
            FormField("effective_from", Kind.DAY, "form.effective"),
            *registries,
            _optional("decision", Kind.TEXT, "form.decision"),
            _optional("reason", Kind.TEXT, "reason"),
        ),
    )


_OCCUPATIONS: Final = FormField("occupations", Kind.OCCUPATIONS, "accreditation.occupations", has_hint=True)
_EXCLUDED: Final = _optional("excluded_occupations", Kind.OCCUPATIONS, "accreditation.excluded")
_COUNTRIES: Final = FormField("jurisdictions", Kind.COUNTRIES, "accreditation.where", has_hint=True)
_TYPES: Final = FormField(
    "credential_types", Kind.LINES, "form.types", has_hint=True, fallback=["qualification/1.0"], is_needed=False
)
_NUMBER: Final = FormField("id", Kind.TEXT, "accreditation.number", has_hint=True)
_DECISION: Final = FormField("decision", Kind.TEXT, "form.decision", has_hint=True)
_REDRESS: Final = FormField("redress", Kind.TEXT, "appeal_to", has_hint=True)

DESCRIPTION_FORM: Final = (
    FormField("name", Kind.TEXT, "field.name"),
    _optional("website", Kind.TEXT, "institution.website"),
    _optional("email", Kind.TEXT, "institution.email"),
)


@dataclass(frozen=True, slots=True)
class StatementForm:
    """One kind of statement.

    Args:
        member: the list in a record, or in the statement's object.
        schema: its statement schema.
        title: key of its name in the catalogues.
        is_header: whether it stands in the header, not in a record.
    """

    member: str
    schema: str
    title: str
    fields: tuple[FormField, ...]
    is_header: bool = False


def statement_forms() -> Mapping[str, StatementForm]:
    """Return the forms by the name of their list."""
    level_range = FormField(
        "level_range",
        Kind.GROUP,
        "accreditation.levels",
        fields=(
            FormField("framework", Kind.CHOICE, "form.framework", options=tuple(frameworks())),
            FormField("min", Kind.TEXT, "form.lowest"),
            FormField("max", Kind.TEXT, "form.highest"),
        ),
    )
    eqf_range = FormField(
        "level_range",
        Kind.GROUP,
        "accreditation.levels",
        fields=(
            FormField("framework", Kind.CHOICE, "form.framework", options=("EQF",)),
            FormField("min", Kind.CHOICE, "form.lowest", options=_EQF),
            FormField("max", Kind.CHOICE, "form.highest", options=_EQF),
        ),
    )
    forms = (
        StatementForm(
            "accreditations",
            ACCREDITATION,
            "form.accreditation",
            (
                _NUMBER,
                _optional("title", Kind.TEXT, "form.title"),
                _OCCUPATIONS,
                _EXCLUDED,
                level_range,
                _COUNTRIES,
                _INTERVALS,
                FormField("cred_def_ids", Kind.LINES, "form.definitions", has_hint=True),
                _TYPES,
                FormField(
                    "accreditingAgent",
                    Kind.GROUP,
                    "accreditation.by",
                    fields=(
                        FormField("name", Kind.TEXT, "form.name"),
                        _optional("did", Kind.TEXT, "institution.did"),
                    ),
                ),
                _DECISION,
                _REDRESS,
                _optional("quality_assurance", Kind.TEXT, "accreditation.quality"),
                _decisions(with_registries=True),
            ),
        ),
        StatementForm(
            "programmes",
            PROGRAMMES,
            "form.programme",
            (
                _NUMBER,
                FormField("title", Kind.TEXT, "form.title"),
                FormField("accreditation", Kind.TEXT, "form.of_accreditation"),
                FormField("occupation", Kind.TEXT, "form.code", has_hint=True),
                FormField("framework", Kind.CHOICE, "form.framework", options=tuple(frameworks())),
                FormField("level", Kind.TEXT, "crosswalk.level"),
                FormField("learning_settings", Kind.CHOICES, "form.settings", options=_SETTINGS),
                _INTERVALS,
                _optional(
                    "units",
                    Kind.ROWS,
                    "programme.units",
                    fields=(
                        FormField("id", Kind.TEXT, "accreditation.number"),
                        FormField("title", Kind.TEXT, "form.title"),
                        _optional("level", Kind.TEXT, "crosswalk.level"),
                    ),
                ),
            ),
        ),
        StatementForm(
            "refusals",
            REFUSAL,
            "form.refusal",
            (
                _NUMBER,
                _OCCUPATIONS,
                FormField("decided_on", Kind.DAY, "refusal.decided"),
                FormField("reason", Kind.TEXT, "reason", has_hint=True),
                _DECISION,
                _REDRESS,
            ),
        ),
        StatementForm(
            "recognitions",
            RECOGNITION,
            "form.recognition",
            (
                _NUMBER,
                _OCCUPATIONS,
                _EXCLUDED,
                eqf_range,
                FormField("purposes", Kind.CHOICES, "ask.purpose", options=_PURPOSES),
                _COUNTRIES,
                _INTERVALS,
                _optional("onward", Kind.NUMBER, "recognition.onward", has_hint=True),
                _TYPES,
                _DECISION,
                _REDRESS,
                _decisions(with_registries=False),
            ),
            is_header=True,
        ),
    )
    return {form.member: form for form in forms}


def finding_base(form_schema: str, did: str, member: str, number: int) -> str:
    """Return the JSON pointer of a statement in the whole file, as findings name it."""
    return pointer("participants", "entries", form_schema, did, member, number)


def description_base(did: str) -> str:
    """Return the JSON pointer of a participant's description in the whole file."""
    return pointer("participants", "entries", DESCRIPTION, did)
