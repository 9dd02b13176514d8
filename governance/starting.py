"""The first draft of a governance file, and the settings a new authority's agent starts with. No I/O.

The draft says who the author is and which schemas the ecosystem uses. It accredits nobody, so it trusts nobody.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from wanderbuch.governance.identifiers import Did
from wanderbuch.governance.model import CTE_CONTEXT, DESCRIPTION


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
    """

    name: str
    author: Did
    authority_name: str
    schemas: Mapping[str, str]
    website: str | None = None
    docs_uri: str | None = None


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
        "ttl": 86400,
        "schemas": [{"id": schema, "name": name} for name, schema in beginning.schemas.items()],
        "roles": {"issuer": {"issue": ids}, "verifier": {"verify": ids}},
        "participants": {
            "id": str(participants_id),
            "author": beginning.author,
            "created": instant,
            "version": 1,
            "entries": {DESCRIPTION: {beginning.author: about}},
        },
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
    types = ", ".join(_text(each) for each in beginning.credential_types)
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
