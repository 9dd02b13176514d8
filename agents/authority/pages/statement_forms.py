"""The forms of the statements that officials edit."""

from collections.abc import Mapping
from typing import Any, Final

from wanderbuch.agents.authority.pages.author_forms import LEVEL_TABLE, SIGNING
from wanderbuch.agents.authority.pages.statement_form import StatementForm
from wanderbuch.agents.site.fields import FormField, Kind
from wanderbuch.agents.site.sections import FormSection
from wanderbuch.governance.facts.sources import Binding
from wanderbuch.governance.form.model import (
    ACCREDITATION,
    PROGRAMMES,
    RECOGNITION,
    REFUSAL,
    REGULATION,
    SUCCESSION,
    VERIFICATION,
)
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


def _span(label: str) -> FormField:
    """Return the spans of days of something that is not about awards."""
    days = (FormField("start", Kind.DAY, "form.start"), _optional("end", Kind.DAY, "form.end"))
    return FormField("intervals", Kind.ROWS, label, fields=days)


def _later_decisions(*, with_statuses: bool) -> FormSection:
    statuses = (_optional("statuses", Kind.LINES, "form.statuses", has_hint=True),) if with_statuses else ()
    decisions = _optional(
        "status",
        Kind.ROWS,
        "form.decisions",
        has_hint=True,
        fields=(
            FormField("status", Kind.CHOICE, "form.decided", options=_STATES, option_words="form.status_"),
            FormField("decided_on", Kind.DAY, "refusal.decided"),
            FormField("effective_from", Kind.DAY, "form.effective"),
            *statuses,
            _optional("decision", Kind.TEXT, "form.decision"),
            _optional("reason", Kind.TEXT, "reason"),
        ),
    )
    return FormSection("form.suspend_or_withdraw", (decisions,), is_folded=True, opens_for=("status",))


_OCCUPATIONS: Final = FormField("occupations", Kind.OCCUPATIONS, "accreditation.occupations", has_hint=True)
_EXCLUDED: Final = _optional("excluded_occupations", Kind.OCCUPATIONS, "accreditation.excluded")
_COUNTRIES: Final = FormField("jurisdictions", Kind.COUNTRIES, "accreditation.where", has_hint=True)
_BINDINGS: Final = _optional(
    "bindings",
    Kind.CHOICES,
    "accreditation.bindings",
    has_hint=True,
    options=tuple(binding.value for binding in Binding),
    option_words="binding.",
)
_TYPES: Final = FormField(
    "credential_types", Kind.LINES, "form.types", has_hint=True, fallback=["qualification/1.0"], is_needed=False
)
_NUMBER: Final = FormField("id", Kind.TEXT, "accreditation.number", has_hint=True)
_DECISION: Final = FormField("decision", Kind.TEXT, "form.decision", has_hint=True)
_REDRESS: Final = FormField("redress", Kind.TEXT, "appeal_to", has_hint=True)
_THE_DECISION: Final = FormSection("form.the_decision", (_DECISION, _REDRESS))

DESCRIPTION_FORM: Final = (
    FormField("name", Kind.TEXT, "field.name"),
    _optional("website", Kind.TEXT, "institution.website"),
    _optional("email", Kind.TEXT, "institution.email"),
)


_VERIFICATION: Final = StatementForm(
    "verifications",
    VERIFICATION,
    "form.verification",
    (
        FormSection(
            "verification.title",
            (
                _NUMBER,
                FormField("credential_type", Kind.TEXT, "form.asked_type"),
                _optional("attributes", Kind.LINES, "form.asked_attributes", has_hint=True),
                _optional("predicates", Kind.LINES, "form.asked_predicates", has_hint=True),
                FormField("purposes", Kind.CHOICES, "ask.purpose", options=_PURPOSES, option_words="purpose."),
                FormField("jurisdictions", Kind.COUNTRIES, "form.asked_where"),
                _span("verification.when"),
                FormField("legal_basis", Kind.TEXT, "verification.basis"),
                _REDRESS,
            ),
        ),
        FormSection(
            "form.rarely",
            (
                _optional("aim", Kind.TEXT, "form.asked_for"),
                _optional("privacy_policy", Kind.TEXT, "form.asked_policy"),
                _optional("keeps_days", Kind.NUMBER, "form.asked_keeps"),
            ),
            is_folded=True,
            opens_for=("aim", "privacy_policy", "keeps_days"),
        ),
    ),
)
_REGULATION: Final = StatementForm(
    "regulations",
    REGULATION,
    "form.regulation",
    (
        FormSection(
            "",
            (
                _NUMBER,
                _OCCUPATIONS,
                FormField("jurisdictions", Kind.COUNTRIES, "form.regulated_where"),
                _span("form.regulated_while"),
                FormField("competent_authority", Kind.TEXT, "form.regulated_by"),
                FormField("decision", Kind.TEXT, "verification.basis"),
                _REDRESS,
            ),
        ),
    ),
    is_header=True,
    is_of_author=True,
)


_SUCCESSION: Final = StatementForm(
    "successions",
    SUCCESSION,
    "form.succession",
    (
        FormSection(
            "",
            (
                _NUMBER,
                FormField("centre", Kind.TEXT, "form.succession_centre", has_hint=True),
                FormField("successor", Kind.TEXT, "form.succession_by", has_hint=True),
                FormField("decided_on", Kind.DAY, "refusal.decided"),
                _DECISION,
                _optional("reason", Kind.TEXT, "reason"),
            ),
        ),
    ),
    is_header=True,
    is_of_author=True,
)


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
                FormSection(
                    "form.what_counts",
                    (
                        _NUMBER,
                        _optional("title", Kind.TEXT, "form.title"),
                        _OCCUPATIONS,
                        level_range,
                        _COUNTRIES,
                        _INTERVALS,
                        FormField("sources", Kind.LINES, "form.sources", has_hint=True),
                    ),
                ),
                _THE_DECISION,
                _later_decisions(with_statuses=True),
                FormSection(
                    "form.rarely",
                    (
                        _EXCLUDED,
                        FormField(
                            "accreditingAgent",
                            Kind.GROUP,
                            "accreditation.by",
                            fields=(
                                FormField("name", Kind.TEXT, "form.name"),
                                _optional("did", Kind.TEXT, "institution.did"),
                            ),
                        ),
                        _optional("quality_assurance", Kind.TEXT, "accreditation.quality"),
                        _BINDINGS,
                        _TYPES,
                    ),
                    is_folded=True,
                    opens_for=("excluded_occupations", "bindings"),
                ),
            ),
        ),
        StatementForm(
            "programmes",
            PROGRAMMES,
            "form.programme",
            (
                FormSection(
                    "",
                    (
                        _NUMBER,
                        FormField("title", Kind.TEXT, "form.title"),
                        FormField("accreditation", Kind.TEXT, "form.of_accreditation"),
                        FormField("occupation", Kind.TEXT, "form.code", has_hint=True),
                        FormField("framework", Kind.CHOICE, "form.framework", options=tuple(frameworks())),
                        FormField("level", Kind.TEXT, "crosswalk.level"),
                        FormField(
                            "learning_settings",
                            Kind.CHOICES,
                            "form.settings",
                            options=_SETTINGS,
                            option_words="setting.",
                        ),
                        _INTERVALS,
                    ),
                ),
                FormSection(
                    "programme.units",
                    (
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
                    is_folded=True,
                    opens_for=("units",),
                ),
            ),
        ),
        StatementForm(
            "refusals",
            REFUSAL,
            "form.refusal",
            (
                FormSection(
                    "",
                    (
                        _NUMBER,
                        FormField("decided_on", Kind.DAY, "refusal.decided"),
                        _OCCUPATIONS,
                        FormField("reason", Kind.TEXT, "reason", has_hint=True),
                        _DECISION,
                        _REDRESS,
                    ),
                ),
            ),
        ),
        StatementForm(
            "recognitions",
            RECOGNITION,
            "form.recognition",
            (
                FormSection(
                    "form.what_counts",
                    (
                        _NUMBER,
                        _OCCUPATIONS,
                        eqf_range,
                        FormField("purposes", Kind.CHOICES, "ask.purpose", options=_PURPOSES, option_words="purpose."),
                        _COUNTRIES,
                        _INTERVALS,
                    ),
                ),
                _THE_DECISION,
                _later_decisions(with_statuses=False),
                FormSection(
                    "form.rarely",
                    (_EXCLUDED, _optional("onward", Kind.NUMBER, "recognition.onward", has_hint=True), _TYPES),
                    is_folded=True,
                    opens_for=("excluded_occupations", "onward"),
                ),
            ),
            is_header=True,
        ),
        _VERIFICATION,
        _REGULATION,
        _SUCCESSION,
        LEVEL_TABLE,
        SIGNING,
    )
    return {form.member: form for form in forms}
