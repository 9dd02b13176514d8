"""Governance files that the user names: unsigned JSON, or signed with the payload looked at but not verified."""

from pathlib import Path
from typing import Any

from wanderbuch.agents.cli.governance.keys import read_file
from wanderbuch.errors import ConfigurationError, GovernanceError
from wanderbuch.governance.divided.bulk import load_unverified
from wanderbuch.governance.divided.division import MAX_PART_BYTES, PartReader, gather, part_name
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.form.validation import MAX_DEPTH, MAX_FILE_BYTES, parse_file
from wanderbuch.governance.signed.jws import unverified_payload
from wanderbuch.governance.signed.signing import MAX_JWS_BYTES
from wanderbuch.strict_json import StrictJsonError, read_strict_json


def is_signed(received: bytes) -> bool:
    """Return whether the bytes look like a JWS of either form, not like a governance file."""
    text = received.strip()
    if text[:1] != b"{":
        return text.count(b".") == 2
    try:
        document = read_strict_json(text, max_bytes=MAX_JWS_BYTES, max_depth=MAX_DEPTH)
    except StrictJsonError:
        return False
    return isinstance(document, dict) and document.keys() == {"payload", "signatures"}


def payload_in(path: Path) -> bytes:
    """Return the unsigned JSON in a file; of a signed file its payload, unverified.

    Raises:
        ConfigurationError: it cannot be read.
        SignatureError: it looks signed, and is not.
    """
    received = read_file(path, max_bytes=MAX_JWS_BYTES)
    return payload_of(received)


def payload_of(received: bytes) -> bytes:
    """Return the unsigned JSON that was read from a file; errors as in `payload_in`."""
    return unverified_payload(received) if is_signed(received) else received


def governance_file_in(path: Path, parts: Path | None = None) -> GovernanceFile:
    """Return the governance file in a file, signed or not, with the parts of a divided one; nobody vouches for it.

    Args:
        path: of the file, or of the root of a divided one.
        parts: folder of the parts; None = the folder "parts" beside the file.

    Raises:
        GovernanceFileError: it has errors.
        GovernanceError: a part is not the one that the root names, or breaks a rule.
        ConfigurationError: a part is not there.
    """
    return governance_file_of(payload_in(path), parts or path.parent / "parts")


def governance_file_of(payload: bytes, parts: Path) -> GovernanceFile:
    """Return the governance file in what was read, with the parts in a folder; errors as in `governance_file_in`."""
    file = parse_file(payload)
    return file if file.division is None else load_unverified(file, parts_in(parts))


def parts_in(folder: Path) -> PartReader:
    """Return a reader of the parts that lie as `<hex>.json` in a folder; what it gives is checked by its digest."""

    def read(digest: str) -> bytes:
        path = folder / Path(part_name(digest)).name
        if not path.exists():
            raise ConfigurationError(
                f"a part of the divided file is missing: {path}", hint="name its folder with --parts"
            )
        return read_file(path, max_bytes=MAX_PART_BYTES)

    return read


def document_in(path: Path) -> dict[str, Any]:
    """Return a governance file that is free of errors as JSON, to be changed; of a divided one, the whole.

    Raises:
        GovernanceFileError: it has errors.
    """
    payload = payload_in(path)
    divided = parse_file(payload).division is not None
    document = read_strict_json(payload, max_bytes=MAX_FILE_BYTES, max_depth=MAX_DEPTH)
    if not isinstance(document, dict):
        raise GovernanceError("expected one JSON object")
    return gather(document, parts_in(path.parent / "parts")) if divided else document
