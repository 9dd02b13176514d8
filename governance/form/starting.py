"""The first draft of a governance file, and the settings a new authority's agent starts with. No I/O.

The draft says who the author is, which schemas the ecosystem uses and, if that was told, how the levels of the national
framework compare with EQF. It accredits nobody, so it trusts nobody. A draft that is there already is brought up to
what is said now, and keeps everything else.
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.form.cte_model import CTE_CONTEXT, DESCRIPTION
from wanderbuch.governance.form.model import CROSSWALK


@dataclass(frozen=True, slots=True)
class CrosswalkBeginning:
    """How the levels of a framework compare with EQF, and who says so.

    Args:
        framework: its code, such as LK-NVQ.
        levels: level -> EQF level, None where nothing maps; lowest first.
        source: where the comparison can be read.
        valid_from: first day of awards that it is for.
        version: what credentials carry.
    """

    framework: str
    levels: Mapping[str, int | None]
    source: str
    valid_from: date
    version: str


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the first draft says.

    Args:
        name: of the ecosystem, such as "Vocational qualifications of Sri Lanka".
        author: the authority's DID.
        authority_name: how people call the authority.
        schemas: credential type -> id of its schema.
        website: of the authority.
        docs_uri: where the rules of the ecosystem can be read.
        uri: where the current signed file will lie, as the authority's agent says.
        crosswalk: of the national framework; None = not told.
    """

    name: str
    author: Did
    authority_name: str
    schemas: Mapping[str, str]
    website: str | None = None
    docs_uri: str | None = None
    uri: str | None = None
    crosswalk: CrosswalkBeginning | None = None


def first_draft(beginning: Beginning, *, file_id: UUID, participants_id: UUID, at: datetime) -> dict[str, Any]:
    """Return version 1 as JSON; `validation` says whether what was given fits.

    Args:
        beginning: what it says.
        file_id: new and random; it stays the same in every version.
        participants_id: the same for the list of participants.
        at: the instant it is made, aware.
    """
    instant = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ids = list(beginning.schemas.values())
    about = {"name": beginning.authority_name, **({"website": beginning.website} if beginning.website else {})}
    return {
        "@context": [CTE_CONTEXT],
        "id": str(file_id),
        "name": beginning.name,
        "version": 1,
        "format": "1.0",
        "last_updated": instant,
        "author": beginning.author,
        **({"docs_uri": beginning.docs_uri} if beginning.docs_uri else {}),
        **({"uri": beginning.uri} if beginning.uri else {}),
        "ttl": 86400,
        "schemas": [{"id": schema, "name": name} for name, schema in beginning.schemas.items()],
        "roles": {"issuer": {"issue": ids}, "verifier": {"verify": ids}},
        "participants": {
            "id": str(participants_id),
            "author": beginning.author,
            "created": instant,
            "version": 1,
            "entries": {
                DESCRIPTION: {beginning.author: about},
                **({CROSSWALK: {beginning.author: _crosswalks(beginning.crosswalk)}} if beginning.crosswalk else {}),
            },
        },
    }


def brought_up(document: Mapping[str, Any], beginning: Beginning, *, at: datetime) -> tuple[dict[str, Any], list[str]]:
    """Return a draft that is there already with what is said now, and what that changes, in words.

    What the draft says beyond a beginning stays: institutions, roles, versions, other schemas.

    Raises:
        GovernanceError: the draft is another author's.
    """
    if document.get("author") != beginning.author:
        raise GovernanceError(
            f"the draft that is there is of {str(document.get('author'))[:200]}, not of {beginning.author}",
            hint="choose another name for the file",
        )
    draft = copy.deepcopy(dict(document))
    changed: list[str] = []
    for member, value in (("name", beginning.name), ("docs_uri", beginning.docs_uri), ("uri", beginning.uri)):
        if value is not None and draft.get(member) != value:
            changed.append(f"{member} was {draft.get(member, 'not there')!r} and becomes {value!r}")
            draft[member] = value
    entries = draft["participants"]["entries"]
    about = entries.setdefault(DESCRIPTION, {}).setdefault(beginning.author, {})
    for member, value in (("name", beginning.authority_name), ("website", beginning.website)):
        if value is not None and about.get(member) != value:
            changed.append(f"the authority's {member} was {about.get(member, 'not there')!r} and becomes {value!r}")
            about[member] = value
    for name, schema in beginning.schemas.items():
        old = next((entry for entry in draft["schemas"] if entry.get("name") == name), None)
        if old is None:
            changed.append(f"the schema of {name} is added: {schema}")
            draft["schemas"].append({"id": schema, "name": name})
        elif old["id"] != schema:
            changed.append(f"the schema of {name} was {old['id']} and becomes {schema}")
            for role in draft["roles"].values():
                for list_of in ("issue", "verify"):
                    role[list_of] = [
                        schema if schema_id == old["id"] else schema_id for schema_id in role.get(list_of, [])
                    ]
            old["id"] = schema
    if beginning.crosswalk is not None:
        crosswalks = entries.setdefault(CROSSWALK, {}).setdefault(beginning.author, {"crosswalks": []})["crosswalks"]
        (new,) = _crosswalks(beginning.crosswalk)["crosswalks"]
        same = [
            crosswalk
            for crosswalk in crosswalks
            if (crosswalk["framework"], crosswalk["version"]) == (new["framework"], new["version"])
        ]
        if not same:
            changed.append(f"the crosswalk {new['version']} of {new['framework']} is added")
            crosswalks.append(new)
        elif same[0] != new:
            changed.append(f"the crosswalk {new['version']} of {new['framework']} becomes another")
            crosswalks[crosswalks.index(same[0])] = new
    if changed:
        draft["last_updated"] = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return draft, changed


def _crosswalks(beginning: CrosswalkBeginning) -> dict[str, Any]:
    return {
        "crosswalks": [
            {
                "version": beginning.version,
                "framework": beginning.framework,
                "valid_from": beginning.valid_from.isoformat(),
                "levels": [{"level": level, "eqf": eqf} for level, eqf in beginning.levels.items()],
                "source": beginning.source,
            }
        ]
    }


@dataclass(frozen=True, slots=True)
class AgentBeginning:
    """What a new authority's agent is told.

    Args:
        name: how people call the authority.
        host: its public name, which stands in its DID: dotted, without a port.
        ecosystem: name in web addresses: small letters, digits and hyphens.
        credential_types: whose schemas it publishes.
        redress: whom to appeal to.
    """

    name: str
    host: str
    ecosystem: str
    credential_types: tuple[str, ...]
    redress: str


def agent_settings(beginning: AgentBeginning) -> str:
    """Return a configuration file (TOML) with safe settings: four eyes, short freshness, sockets on this machine."""
    types = ", ".join(_text(credential_type) for credential_type in beginning.credential_types)
    return f"""\
# An authority agent: wanderbuch authority run --config THIS-FILE (docs/running-agents.md has every key).
role = "authority"
name = {_text(beginning.name)}
data = "data"                          # this agent alone; back it up as a whole

[public]
host = {_text(beginning.host)}
listen = "127.0.0.1:8443"              # forward port 443 of the host to it
tls_certificate = "public.crt"         # PEM, with the chain
tls_key = "public.key"

[app]
listen = "127.0.0.1:8081"              # REST API and desk; put a TLS proxy in front where it leaves the machine
token_file = "app.token"               # the operator's: adds officials, has no part in drafts

[wallet]
key_file = "wallet.key"                # keep a copy elsewhere: without it the wallet opens for nobody

[authority]
ecosystem = {_text(beginning.ecosystem)}
credential_types = [{types}]
redress = {_text(beginning.redress)}
four_eyes = true                       # who edits a version does not approve it
freshness_lifetime_s = 3600            # the longest time somebody could keep a reader on an older version
reissue_every_s = 600
"""


def _text(text: str) -> str:
    """Return a TOML string: JSON's escapes are TOML's too, but for DEL, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
