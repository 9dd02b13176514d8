"""Governance files that the user names: unsigned JSON, or signed with the payload looked at but not verified."""

import json
from pathlib import Path
from typing import Any

from wanderbuch.agents.cli.governance.keys import read_file
from wanderbuch.errors import GovernanceError
from wanderbuch.governance.file import GovernanceFile
from wanderbuch.governance.jws import unverified_payload
from wanderbuch.governance.signing import MAX_JWS_BYTES
from wanderbuch.governance.strict_json import read_strict_json
from wanderbuch.governance.validation import MAX_DEPTH, MAX_FILE_BYTES, parse_file


def is_signed(received: bytes) -> bool:
    """Return whether the bytes look like a JWS of either form, not like a governance file."""
    text = received.strip()
    if text[:1] != b"{":
        return text.count(b".") == 2
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.keys() == {"payload", "signatures"}


def payload_in(path: Path) -> bytes:
    """Return the unsigned JSON in a file; of a signed file its payload, unverified.

    Raises:
        ConfigurationError: it can not be read.
        SignatureError: it looks signed, and is not.
    """
    received = read_file(path, max_bytes=MAX_JWS_BYTES)
    return unverified_payload(received) if is_signed(received) else received


def governance_file_in(path: Path) -> GovernanceFile:
    """Return the governance file in a file, signed or not; nobody vouches for it.

    Raises:
        GovernanceFileError: it has errors.
    """
    return parse_file(payload_in(path))


def document_in(path: Path) -> dict[str, Any]:
    """Return a governance file that is free of errors as JSON, to be changed.

    Raises:
        GovernanceFileError: it has errors.
    """
    payload = payload_in(path)
    parse_file(payload)
    document = read_strict_json(payload, max_bytes=MAX_FILE_BYTES, max_depth=MAX_DEPTH)
    if not isinstance(document, dict):
        raise GovernanceError("expected one JSON object")
    return document
