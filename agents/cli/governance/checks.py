"""What an answer must be. Each check returns the answer as it is meant, or says what was expected and what to write."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.anoncreds_ids import SchemaId
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.governance.facts.webvh_place import PlaceError, published_place
from wanderbuch.governance.form.formats import CredentialTypeName, Day, FrameworkName, LevelName, Link, Text
from wanderbuch.schemas.country_names import find_country

_ECOSYSTEM: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


def _of_kind(kind: Any) -> Callable[[str], str]:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def check(text: str) -> str:
        try:
            value = adapter.validate_python(text.strip())
        except ValidationError as err:
            details = err.errors(include_url=False)[0]
            raise ConfigurationError(details["msg"], hint=str(details.get("ctx", {}).get("fix", ""))) from err
        return value.isoformat() if isinstance(value, date) else str(value)

    return check


line: Final = _of_kind(Text)
link: Final = _of_kind(Link)
day: Final = _of_kind(Day)
framework_code: Final = _of_kind(FrameworkName)
_level: Final = _of_kind(LevelName)
_credential_type: Final = _of_kind(CredentialTypeName)


def did(text: str) -> str:
    """Return the DID of an authority, which is a did:webvh."""
    return str(WebvhDid.parse(text.strip()))


def country(text: str) -> str:
    """Return the code of a country that is named by code or name."""
    return find_country(text)


def host(text: str) -> str:
    """Return the public name of an agent, by the rules of those who will resolve its DID."""
    name = text.strip().casefold().removeprefix("https://").rstrip("/")
    try:
        return published_place(name, "org").host
    except PlaceError as err:
        raise ConfigurationError(
            f"expected a public name such as authority.example.org, found {text[:80]!r}: {err}",
            hint="a host with a dot, without port and path, that others reach",
        ) from err


def ecosystem(text: str) -> str:
    """Return the name of an ecosystem in web addresses."""
    if not _ECOSYSTEM.fullmatch(text):
        raise ConfigurationError(
            f"expected a name such as sri-lanka, found {text[:80]!r}", hint="small letters, digits and hyphens"
        )
    return text


def credential_type_and_schema(text: str) -> str:
    """Return TYPE=ID with both checked."""
    name, mark, schema = text.strip().partition("=")
    if not mark or not name or not schema:
        raise ConfigurationError(f"expected TYPE=ID, found {text[:80]!r}", hint="qualification/1.0=did:…")
    return f"{_credential_type(name)}={SchemaId.parse(schema)}"


def levels_to_eqf(text: str, levels: tuple[str, ...]) -> str:
    """Return LEVEL=EQF,… with each level once; of a framework that is known, in its order and all of them.

    >>> levels_to_eqf("1=1, 2=-", ("1", "2"))
    '1=1,2=-'
    """
    mapping: dict[str, str] = {}
    for pair in text.split(","):
        level, mark, eqf = (part.strip() for part in pair.partition("="))
        if not mark or not re.fullmatch(r"[1-8]|-", eqf):
            raise ConfigurationError(
                f"expected LEVEL=EQF, found {pair.strip()[:40]!r}",
                hint="an EQF level is 1 to 8; '-' where nothing maps",
            )
        level = _level(level)
        if level in mapping:
            raise ConfigurationError(f"expected each level once, found {level!r} again")
        mapping[level] = eqf
    if levels and set(mapping) != set(levels):
        raise ConfigurationError(
            f"expected the levels {', '.join(levels)}, found {', '.join(mapping)}", hint="write '-' where nothing maps"
        )
    return ",".join(f"{level}={mapping[level]}" for level in (levels or mapping))
