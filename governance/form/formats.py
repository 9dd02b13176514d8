"""The texts that a governance file is made of, as pydantic fields: parsed once, here, into the types of the domain.

Every refusal has a message (what was expected, what was found) and a fix, both for the official who edits the file.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from wanderbuch.governance.facts import rfc3339
from wanderbuch.governance.facts.anoncreds_ids import AnonCredsId, CredDefId, RevRegDefId
from wanderbuch.governance.facts.identifiers import Did, IdentifierError, ResourceId
from wanderbuch.governance.facts.listings import RegisterId
from wanderbuch.governance.facts.sources import Binding, SourceId
from wanderbuch.governance.facts.statuses import StatusId
from wanderbuch.schemas.languages import is_language
from wanderbuch.schemas.occupations import isco08, nearest, suggestion

MAX_TEXT: Final = 2000

_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
# What may stand in a link that people click: no script, no local file.
_LINK: Final = r"(https?://|mailto:|tel:|urn:)[!-~]{1,2000}"
_OCCUPATION: Final = r"C[0-9]{1,4}"
_LANGUAGE: Final = r"[a-z]{3}"  # ISO 639-3
_COUNTRY: Final = r"[A-Z]{3}"
_CREDENTIAL_TYPE: Final = r"[a-z][a-z0-9_-]{0,63}/[0-9]{1,4}\.[0-9]{1,4}"
_FRAMEWORK: Final = r"[A-Z][A-Z0-9-]{0,31}"
_LEVEL: Final = r"[A-Z]?[0-9]{1,2}(\.5)?"
_CROSSWALK_VERSION: Final = r"(?!none$)[a-z][a-z0-9.-]{0,63}"
# No colon: a register id is never taken for a DID.
_REGISTER_ID: Final = r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}"
_STATEMENT_ID: Final = r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}"
_ROLE_NAME: Final = r"[A-Za-z0-9_-]{1,64}"
_HTTPS: Final = r"https://[a-z0-9.-]{1,253}(:[0-9]{1,5})?(/[!-~]{0,1700})?"
_EQF_LEVEL: Final = r"[1-8]"
_ATTRIBUTE: Final = r"[a-z][a-z0-9_]{0,63}"
_DIGEST: Final = r"sha256:[0-9a-f]{64}"
_SHA256: Final = r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"  # the last digit has two bits that are zero
# Characters that make a text look other than it is: Unicode's explicit directional formatting.
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _refuse(rule: str, expected: str, received: object, fix: str) -> PydanticCustomError:
    shown = received if isinstance(received, str) else type(received).__name__
    context = {"expected": expected, "found": repr(shown)[:80], "fix": fix}
    return PydanticCustomError(rule, "expected {expected}, found {found}", context)


def _matching(rule: str, pattern: str, expected: str, fix: str) -> Callable[[Any], str]:
    compiled = re.compile(pattern)

    def check(value: Any) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise _refuse(rule, expected, value, fix)
        return value

    return check


def _text(value: Any) -> str:
    fix = f"write 1 to {MAX_TEXT} characters of plain text on one line"
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not value.strip():
        raise _refuse("text", f"a text of 1 to {MAX_TEXT} characters", value, fix)
    if any(letter in _BIDI or unicodedata.category(letter) == "Cc" for letter in value):
        raise _refuse("text", "a text without control characters", value, fix)
    return value


def _date(value: Any) -> date:
    fix = "write the day as YYYY-MM-DD, such as 2024-03-31"
    if not isinstance(value, str) or not re.fullmatch(_DATE, value):
        raise _refuse("date", "a day as YYYY-MM-DD", value, fix)
    try:
        return date.fromisoformat(value)
    except ValueError as err:
        raise _refuse("date", "a day that exists", value, fix) from err


def _instant(value: Any) -> datetime:
    fix = "write the instant with T and a time zone, such as 2024-03-31T09:30:00Z"
    if not isinstance(value, str) or not re.fullmatch(rfc3339.PATTERN, value):
        raise _refuse("instant", "an instant as RFC 3339 with T and a time zone", value, fix)
    instant = rfc3339.parse_instant(value)
    if instant is None:
        raise _refuse("instant", "an instant that exists", value, fix)
    return instant


def _occupation(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(_OCCUPATION, value):
        near = ", ".join(nearest(value))
        fix = "write C and 1 to 4 digits, such as C7212 or C72"
        raise _refuse("occupation", "an ISCO-08 code", value, f"{fix}; {near} may be meant" if near else fix)
    if value not in isco08().codes:
        raise _refuse("occupation-known", "a code of ISCO-08", value, suggestion(value))
    return value


def _scope_code(value: Any) -> str:
    return str(value) if is_language(value) else _occupation(value)


def _identifier(
    kind: type[Did] | type[CredDefId] | type[RevRegDefId] | type[SourceId] | type[StatusId], fix: str
) -> Callable[[Any], Any]:
    is_named = issubclass(kind, SourceId | StatusId)  # whose hints are about the very text

    def check(value: Any) -> Any:
        try:
            if issubclass(kind, AnonCredsId):  # only `sources` name what is on a ledger
                return kind(ResourceId.parse(value))
            return kind.parse(value)
        except IdentifierError as err:
            context = {
                "problem": err.message.replace("{", "(").replace("}", ")"),
                "fix": (is_named and err.hint) or fix,
            }
            raise PydanticCustomError("identifier", "{problem}", context) from err

    return check


def _register_id(value: Any) -> RegisterId:
    if not isinstance(value, str) or not re.fullmatch(_REGISTER_ID, value):
        fix = "use letters, digits and . _ / -, 64 at most, such as P01/0142"
        raise _refuse("register-id", "the number of an institution in a register", value, fix)
    return RegisterId(value)


def _binding(value: Any) -> Binding:
    for binding in Binding:
        if value == binding.value:
            return binding
    known = ", ".join(binding.value for binding in Binding)
    raise _refuse("binding", f"one of {known}", value, "write what ties a credential to its holder")


def _schema(pattern: str, description: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", "description": description, **more})


Text = Annotated[
    str,
    PlainValidator(_text),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_TEXT}),
]
Day = Annotated[date, PlainValidator(_date), _schema(_DATE, "a calendar day", format="date")]
Instant = Annotated[
    datetime, PlainValidator(_instant), _schema(rfc3339.PATTERN, "RFC 3339, with a time zone", format="date-time")
]
DidText = Annotated[
    Did,
    PlainValidator(_identifier(Did, "write the DID as its owner gives it, without # or path")),
    _schema(r"did:[a-z0-9]+:[A-Za-z0-9._:%-]+", "a DID"),
]
CredDefIdText = Annotated[
    CredDefId,
    PlainValidator(_identifier(CredDefId, "copy the id of the credential definition from the issuer")),
    _schema(r"did:webvh:[^/#?]+/resources/zQm[1-9A-HJ-NP-Za-km-z]{44}", "id of an AnonCreds credential definition"),
]
RevRegDefIdText = Annotated[
    RevRegDefId,
    PlainValidator(_identifier(RevRegDefId, "copy the id of the revocation registry from the issuer")),
    _schema(r"did:webvh:[^/#?]+/resources/zQm[1-9A-HJ-NP-Za-km-z]{44}", "id of an AnonCreds revocation registry"),
]
SourceIdText = Annotated[
    SourceId,
    PlainValidator(_identifier(SourceId, "copy the source from the issuer; AnonCreds' begins with anoncreds:")),
    _schema(r"(anoncreds|sdjwt|w3c|mdoc):[!-~]{1,1000}", "what an issuer signs with, its format in front"),
]
StatusIdText = Annotated[
    StatusId,
    PlainValidator(_identifier(StatusId, "copy it from the issuer; a revocation registry begins with anoncreds:")),
    _schema(r"(anoncreds|statuslist):[!-~]{1,1000}", "a revocation registry or a status list"),
]
BindingName = Annotated[
    Binding,
    PlainValidator(_binding),
    WithJsonSchema({"type": "string", "enum": [binding.value for binding in Binding]}),
    PlainSerializer(lambda binding: binding.value),
]
Link = Annotated[
    str,
    PlainValidator(_matching("link", _LINK, "an address", "begin it with https://, mailto:, tel: or urn:")),
    _schema(_LINK, "an address people can follow"),
]
Occupation = Annotated[
    str,
    PlainValidator(_occupation),
    _schema(_OCCUPATION, "an ISCO-08 code; it stands for everything below it"),
]
ScopeCode = Annotated[
    str,
    PlainValidator(_scope_code),
    _schema(
        rf"({_OCCUPATION}|{_LANGUAGE})",
        "an ISCO-08 code, which stands for everything below it; or, where levels are of the CEFR, a language",
    ),
]
Country = Annotated[
    str,
    PlainValidator(_matching("country", _COUNTRY, "a country", "write three capitals, such as LKA or MLT")),
    _schema(_COUNTRY, "ISO 3166-1 alpha-3"),
]
CredentialTypeName = Annotated[
    str,
    PlainValidator(
        _matching("credential-type", _CREDENTIAL_TYPE, "a credential type", "write name/version: qualification/1.0")
    ),
    _schema(_CREDENTIAL_TYPE, "a credential type"),
]
FrameworkName = Annotated[
    str,
    PlainValidator(_matching("framework", _FRAMEWORK, "a framework", "write its code, such as LK-NVQ or EQF")),
    _schema(_FRAMEWORK, "code of a qualifications framework"),
]
LevelName = Annotated[
    str,
    PlainValidator(_matching("level", _LEVEL, "a level", 'write it as text in quotes, such as "4" or "2.5"')),
    _schema(_LEVEL, "a level of the framework"),
]
CrosswalkVersion = Annotated[
    str,
    PlainValidator(
        _matching(
            "crosswalk-version",
            _CROSSWALK_VERSION,
            "a version name",
            'begin with a small letter, such as "nvq-eqf-2024"; "none" is taken',
        )
    ),
    _schema(_CROSSWALK_VERSION, "what credentials carry"),
]
StatementId = Annotated[
    str,
    PlainValidator(
        _matching("statement-id", _STATEMENT_ID, "an id", "use letters, digits and . _ : / -, such as TVEC-2019-0142")
    ),
    _schema(_STATEMENT_ID, "unique within the file"),
]
RegisterIdText = Annotated[
    RegisterId,
    PlainValidator(_register_id),
    _schema(_REGISTER_ID, "under which number a register has an institution"),
]
RoleName = Annotated[
    str,
    PlainValidator(_matching("role-name", _ROLE_NAME, "a role name", "use letters, digits, - and _ only")),
    _schema(_ROLE_NAME, "a role of this file"),
]
HttpsAddress = Annotated[
    str,
    PlainValidator(_matching("https-address", _HTTPS, "an https address", "begin it with https:// and a host name")),
    _schema(_HTTPS, "an address that programs fetch"),
]
EqfLevelName = Annotated[
    str,
    PlainValidator(_matching("eqf-level", _EQF_LEVEL, "an EQF level", 'write "1" to "8", in quotes')),
    _schema(_EQF_LEVEL, "a level of the European Qualifications Framework"),
]
AttributeName = Annotated[
    str,
    PlainValidator(
        _matching("attribute-name", _ATTRIBUTE, "the name of an attribute", "write it as the credential type does")
    ),
    _schema(_ATTRIBUTE, "an attribute of the credential type"),
]
Digest = Annotated[
    str,
    PlainValidator(_matching("digest", _DIGEST, "a digest", 'write "sha256:" and 64 small hexadecimal digits')),
    _schema(_DIGEST, "SHA-256 of the bytes served"),
]
Sha256 = Annotated[
    str,
    PlainValidator(_matching("digest", _SHA256, "a SHA-256", "write its 32 bytes as 43 digits of base64url")),
    _schema(_SHA256, "SHA-256 of the bytes served, in base64url"),
]
