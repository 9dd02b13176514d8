"""JSON text of what we send and keep, with identifiers of ours written as the texts that they are."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec


def _plain(value: object) -> object:
    if isinstance(value, str):  # `CredDefId` and its kind
        return str.__str__(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError(f"a {type(value).__name__} is not ready for JSON")


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_plain)


def to_json(value: Mapping[str, Any]) -> bytes:
    """Return an object as JSON text."""
    return _ENCODER.encode(value)
