"""The columns a list of accredited institutions may have; how headers are matched to them is in `headers`."""

from collections.abc import Mapping
from typing import Final

from wanderbuch.governance.importing.headers import Column, Columns
from wanderbuch.governance.lists.table import CellFinding, Table

COLUMNS: Final = (
    Column("did", "DID of the institution; without it and register_id, it must be in the file by exactly this name",
           ("issuer", "issuer did", "institution did"), fills_down=True),
    Column("register_id", "number of the institution in the register; without a DID it is listed, which is no trust",
           ("register no", "register number", "institution no", "institution number", "institution code", "centre no",
            "centre number", "centre code", "center no", "center code", "provider no", "provider code"),
           fills_down=True),
    Column("institution", "name of the institution",
           ("name", "institution name", "name of institution", "centre", "center", "training centre", "provider",
            "training provider"), fills_down=True),
    Column("website", "its address on the web", ("web", "web site", "url", "homepage"), fills_down=True),
    Column("email", "its e-mail address", ("e-mail", "mail"), fills_down=True),
    Column("accreditation", "number of the accreditation; rows with the same number make one accreditation",
           ("accreditation no", "accreditation number", "accreditation id", "registration no", "registration number",
            "reg no"), fills_down=True),
    Column("title", "what the accreditation is called", ("accreditation title", "field", "trade"), fills_down=True),
    Column("credential_types", "credential types, such as qualification/1.0", ("credential type",)),
    Column("sources", "what it signs with: ids of credential definitions, or sources of other formats",
           ("source", "cred_def_ids", "cred def ids", "cred defs", "cred def", "credential definition",
            "credential definitions")),
    Column("bindings", "what ties a credential to its holder: link-secret, key or unbound; empty = link-secret and key",
           ("binding", "holder binding")),
    Column("occupations", "ISCO-08 codes, or titles exactly as ISCO-08 has them",
           ("occupation", "isco", "isco-08", "isco code", "isco08 code", "occupation code")),
    Column("excluded_occupations", "codes that it may never attest", ("excluded", "exclusions", "not for")),
    Column("framework", "qualifications framework, such as LK-NVQ or EQF", ("level framework", "nqf"), fills_down=True),
    Column("levels", "level, or lowest and highest: 2-5", ("level", "nvq level", "eqf level", "level range")),
    Column("jurisdictions", "countries where it counts",
           ("jurisdiction", "country", "countries", "counts in", "valid in")),
    Column("valid_from", "first day of the mandate",
           ("from", "start", "start date", "valid from", "accredited from", "date of accreditation",
            "validity from", "validity start")),
    Column("valid_until", "last day of the mandate; empty = until further notice",
           ("until", "to", "end", "end date", "valid until", "valid to", "expiry", "expiry date", "expires",
            "validity until", "validity to", "validity end", "accredited until")),
    Column("status", "active, suspended or withdrawn", ("state", "accreditation status")),
    Column("decided_on", "day of that decision", ("status date", "date of decision", "decision date")),
    Column("effective_from", "from which award date on it counts", ("effective", "effective date", "status from")),
    Column("statuses", "its revocation registries and status lists that existed on that day",
           ("registries", "revocation registries", "status lists")),
    Column("status_decision", "address where that decision can be read", ("status decision url",)),
    Column("reason", "why", ("status reason", "remarks", "reason for decision")),
    Column("accrediting_agent", "who accredited; without it, the author of the file",
           ("accredited by", "accrediting body", "authority")),
    Column("accrediting_agent_did", "its DID", ()),
    Column("decision", "address where the decision to accredit can be read", ("decision url", "gazette")),
    Column("redress", "whom to appeal to", ("appeal", "appeals", "complaints")),
    Column("quality_assurance", "address of the quality assurance", ("quality assurance report", "qa")),
    Column("programme", "number of a programme that it offers", ("programme no", "programme id", "course code")),
    Column("programme_title", "what the programme is called",
           ("programme name", "program", "program name", "course", "course name", "qualification")),
    Column("programme_occupation", "its ISCO-08 code; without it, the only one of the row", ("programme isco",)),
    Column("programme_level", "its level", ("course level",)),
    Column("programme_from", "first day it is offered; without it, valid_from", ("course from",)),
    Column("programme_until", "last day it is offered; without it, valid_until", ("course until",)),
    Column("learning_settings", "formal, non-formal or informal-rpl", ("learning setting", "mode")),
    Column("units", "its competence units: id = title; id = title [level]", ("competence units", "modules")),
)  # fmt: skip
# How headers are called in the other languages of our pages.
_TRANSLATED: Final[Mapping[str, str]] = {
    "institution": "établissement; nom de l’établissement; centre de formation; institución; "
    "nombre de la institución; centro de formación; "
    "المؤسسة; اسم المؤسسة; ආයතනය; ආයතනයේ නම; நிறுவனம்; நிறுவனத்தின் பெயர்",
    "valid_from": "date de début; début; fecha de inicio; تاريخ البدء; ආරම්භක දිනය; தொடக்க தேதி; தொடக்கத் திகதி",
    "valid_until": "date de fin; fin; fecha de fin; fecha de vencimiento; "
    "تاريخ الانتهاء; අවසන් දිනය; முடிவு தேதி; முடிவுத் திகதி",
    "status": "statut; état; estado; الحالة; තත්ත්වය; நிலைமை",
    "occupations": "métier; ocupación; المهنة; රැකියාව; தொழில்",
    "levels": "niveau; nivel; المستوى; මට්ටම; நிலை",
    "jurisdictions": "pays; país; البلد; රට; நாடு",
}  # fmt: skip
INSTITUTIONS: Final = Columns(
    COLUMNS, {name: tuple(words.split("; ")) for name, words in _TRANSLATED.items()}, speaking=("status", "reason")
)


def is_column(text: str) -> bool:
    """Return whether a text is a name that a column is known by."""
    return INSTITUTIONS.knows(text)


def match_headers(table: Table, mapping: Mapping[str, str]) -> tuple[dict[str, int], list[CellFinding]]:
    """Return column -> position in the rows, and what there is to say about the headers; see `Columns.match`."""
    return INSTITUTIONS.match(table, mapping)
