"""JSON in its one canonical form (RFC 8785), for what is digested and signed.

An encoder in C writes the same bytes as the library in Python for nearly everything that we meet, some twenty times as
fast; what it may write otherwise goes to the library:

1. numbers with a fraction or an exponent, whole numbers that not every reader holds exactly, and null, as which the
   encoder writes what is no number;
2. objects with names beyond ASCII: RFC 8785 §3.2.3 sorts by UTF-16 code units, the encoder by UTF-8, and the two differ
   where a name has characters beyond the first plane.
"""

import re
from typing import Any, Final

import msgspec
import rfc8785

from wanderbuch.strict_json import outside_texts

_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_RARE: Final = re.compile(rb"[0-9](?:[.eE]|[0-9]{15})|null")


def canonical(value: Any) -> bytes:
    """Return the canonical form of a JSON value; the names in objects are texts.

    Raises:
        rfc8785.CanonicalizationError: it has none: a number is beyond what every reader holds.
        UnicodeError: a text is half of a surrogate pair.
        RecursionError: it is nested too deeply.
        TypeError: it is no JSON.
    """
    try:
        encoded = _ENCODER.encode(value)
    except TypeError:  # texts of types of our own, such as DIDs
        return rfc8785.dumps(value)
    if _RARE.search(encoded) and _RARE.search(outside_texts(encoded)):  # 1
        return rfc8785.dumps(value)
    if encoded.isascii() or not _has_rare_name(value):  # 2
        return encoded
    return rfc8785.dumps(value)


def _has_rare_name(value: Any) -> bool:
    if isinstance(value, dict):
        return any(not name.isascii() or _has_rare_name(inner) for name, inner in value.items())
    return isinstance(value, list | tuple) and any(_has_rare_name(inner) for inner in value)
