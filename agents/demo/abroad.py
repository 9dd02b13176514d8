"""The authority of the country the worker goes to: the example file of Malta, cut down to what the demo plays.

What the demo does not run is left out of its file: the other authorities it trusts, and the parties that would sign
with it.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.form.model import PROFILE_STATEMENTS

EXAMPLE = "malta.example.json"
ECOSYSTEM = "malta"


def abroad_payload(*, author: str, schema_id: str, recognised: str, recognised_url: str) -> dict[str, Any]:
    """Return version 1 of the destination's governance file, unsigned.

    Args:
        author: the DID of the agent that plays the destination's authority.
        schema_id: the schema it publishes.
        recognised: the DID of the authority that it recognises.
        recognised_url: folder of that authority's governance files.

    Raises:
        ConfigurationError: the example does not trust the authority of the other example.
    """
    text = files("wanderbuch.governance").joinpath("files", EXAMPLE).read_text(encoding="utf-8")
    example: dict[str, Any] = json.loads(text)
    trusted = [trusted for trusted in example["trusted_governance"] if ":authority." in trusted["publisher"]]
    if len(trusted) != 1:
        raise ConfigurationError(f"the example governance file {EXAMPLE} does not trust the authority of the demo")
    text = text.replace(example["schemas"][0]["id"], schema_id)
    text = text.replace(example["author"], author).replace(trusted[0]["publisher"], recognised)
    payload: dict[str, Any] = json.loads(text)
    payload["trusted_governance"] = [{"publisher": recognised, "uri": f"{recognised_url}/current.jws"}]
    entries = payload["participants"]["entries"]
    del entries[PROFILE_STATEMENTS + "signatories.json"]
    payload["participants"]["entries"] = {uri: _about(by_did, (author, recognised)) for uri, by_did in entries.items()}
    payload["participants"]["entries"] = {
        uri: entry for uri, entry in payload["participants"]["entries"].items() if entry
    }
    return payload


def _about(by_did: Mapping[str, Any], kept: tuple[str, ...]) -> dict[str, Any]:
    return {did: entry for did, entry in by_did.items() if did in kept}
