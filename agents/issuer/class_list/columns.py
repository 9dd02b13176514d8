"""The columns a class list may have: what a claim of the credential type brings, the whole name, the result."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from wanderbuch.agents.issuer.class_list.contacts import CONTACT_COLUMNS
from wanderbuch.governance.importing.headers import Column, Columns
from wanderbuch.schemas.credential_type import Attribute, load_credential_type

FULL_NAME: Final = "full_name"
RESULT: Final = "result"

# How headers of class lists call an attribute: English, then the other languages of our pages; a semicolon divides.
_ALSO: Final[Mapping[str, str]] = {
    "credential_id": "certificate no; certificate number; certificate id; cert no; credential no; diploma no;"
    "award no; registration no; registration number; reg no; index no; index number; student no; student number;"
    "candidate no; candidate number; admission no; roll no;"
    "numéro de certificat; n° de certificat; matricule; número de certificado; nº de certificado;"
    "رقم الشهادة; رقم التسجيل; සහතික අංකය; විභාග අංකය; சான்றிதழ் எண்; சுட்டெண்",
    "family_name": "surname; last name; family; nom; nom de famille; apellido; apellidos; اللقب; اسم العائلة;"
    "වාසගම; குடும்பப் பெயர்",
    "given_names": "given name; first name; first names; forename; forenames; other names; prénom; prénoms;"
    "nombre; nombres; الاسم الأول; الأسماء الأولى; මුල් නම; මුල් නම්; முதற்பெயர்",
    "birth_date": "birthdate; birthday; dob; d.o.b.; born; born on; date de naissance; né le; née le;"
    "fecha de nacimiento; تاريخ الميلاد; تاريخ الولادة; උපන් දිනය; பிறந்த தேதி; பிறந்த திகதி",
    "occupation_isco08": "isco; isco-08; isco code; isco08 code; occupation code; trade; métier; profession; ocupación;"
    "المهنة; රැකියාව; தொழில்",
    "qualification_title": "qualification; title; award; course; course name; programme; certificate title;"
    "title of qualification; intitulé; diplôme; título; cualificación; المؤهل; اسم المؤهل; සුදුසුකම; தகைமை",
    "awarding_body": "awarded by; awarding institution; organisme certificateur; organismo certificador;"
    "الجهة المانحة; ප්‍රදානය කරන ආයතනය; வழங்கும் அமைப்பு",
    "framework": "level framework; nqf; cadre; marco; الإطار; රාමුව; கட்டமைப்பு",
    "framework_level": "level; nvq level; nqf level; eqf level; niveau; nivel; المستوى; මට්ටම; நிலை",
    "learning_setting": "mode; mode of learning; type of learning",
    "awarded_on": "award date; date awarded; effective date; date of issue; issue date; issued on; result date;"
    "date d’obtention; date de délivrance; fecha de expedición; fecha de titulación; تاريخ المنح; تاريخ الإصدار;"
    "ප්‍රදානය කළ දිනය; வழங்கிய தேதி; வழங்கிய திகதி",
    "expires_on": "expires; expiry; expiry date; valid until; valid to; date d’expiration; fecha de vencimiento;"
    "تاريخ الانتهاء; කල් ඉකුත්වන දිනය; காலாவதித் தேதி",
    "country_of_award": "country; country code; pays; país; البلد; රට; நாடு",
    "country_of_work": "country; country code; pays; país; البلد; රට; நாடு",
    "employer": "company; employeur; empresa; empleador; صاحب العمل; සේව්‍යයා; முதலாளி",
    "employed_from": "from; start date; since; worked from; date de début; fecha de inicio; تاريخ البدء; ආරම්භක දිනය",
    "employed_to": "to; until; end date; worked until; date de fin; fecha de fin; අවසන් දිනය",
    "months": "number of months; duration in months; mois; meses",
    "language": "language code; langue; idioma; اللغة; භාෂාව; மொழி",
    "cefr_level": "level; cefr; cefr level; niveau; nivel; المستوى",
    "examining_body": "examined by; exam centre",
    "details": "notes; remarks; units; modules; observations; observaciones; ملاحظات",
}  # fmt: skip
_FULL_NAME: Final = Column(
    FULL_NAME,
    "the whole name in one cell: a comma stands behind the family name, or `full-name` says how it is divided",
    (
        "name", "full name", "name in full", "student name", "name of student", "candidate name", "name of candidate",
        "trainee", "trainee name", "student", "nom et prénom", "nom complet", "nombre completo", "nombre y apellidos",
        "الاسم", "الاسم الكامل", "اسم الطالب", "නම", "සම්පූර්ණ නම", "பெயர்", "முழுப் பெயர்",
    ),
)  # fmt: skip
_RESULT: Final = Column(
    RESULT,
    "whether the person passed; nothing is issued to who did not",
    (
        "results", "final result", "pass/fail", "outcome", "grade", "status", "final grade", "remark", "competency",
        "résultat", "résultats", "décision du jury", "resultado", "calificación", "النتيجة", "ප්‍රතිඵලය", "முடிவு",
        "பெறுபேறு",
    ),
)  # fmt: skip


@cache
def columns_of(type_id: str) -> Columns:
    """Return the columns that a list for a credential type may have.

    Raises:
        CredentialError: there is no such type.
    """
    kind = load_credential_type(type_id)
    own = [_column(attribute) for attribute in kind.claimed]
    return Columns([*own, _FULL_NAME, _RESULT, *CONTACT_COLUMNS], speaking=(RESULT,))


def _column(attribute: Attribute) -> Column:
    also = (
        attribute.name.replace("_", " "),
        *attribute.label.by_language.values(),
        *(word.strip() for word in _ALSO.get(attribute.name, "").split(";") if word.strip()),
    )
    return Column(attribute.name, str(attribute.description), also)
