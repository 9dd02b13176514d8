"""The parameters of a did:webvh log: what each entry sets, and what is active after it. No I/O.

Source: did:webvh 1.0, `did:webvh` DID Method Parameters. What an entry does not name stays as it was; before the first
entry each has its default. `null` is deprecated, and read as the default. Whatever does not fit refuses the log:

1. Only parameters of version 1.0 are named.
2. The first entry names `method`, `scid` and `updateKeys`; `method` is `did:webvh:1.0` wherever it stands, `scid`
   stands nowhere else.
3. `updateKeys`, `nextKeyHashes` and `watchers` are lists of text.
4. `portable` is true from the first entry on or never; `deactivated` is true or false.
5. `ttl` is a whole number from 0 to 2^31.
6. `witness` keeps the rules of `witnesses`.
7. Where the entry before committed to keys, this entry names `updateKeys` and `nextKeyHashes`, and each of its update
   keys is one of those committed to.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import base58

from wanderbuch.plugins.webvh.errors import LogError
from wanderbuch.plugins.webvh.witnesses import WitnessRule, parse_rule

METHOD: Final = "did:webvh:1.0"
MAX_LISTED: Final = 256
_DEFAULTS: Final[Mapping[str, Any]] = {
    "updateKeys": [],
    "nextKeyHashes": [],
    "witness": {},
    "watchers": [],
    "portable": False,
    "deactivated": False,
    "ttl": 3600,
}
_KNOWN: Final = frozenset(_DEFAULTS) | {"method", "scid"}
_MAX_TTL: Final = 2**31
_SHA2_256: Final = b"\x12\x20"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is active after an entry.

    Args:
        scid: of the DID.
        update_keys: Multikeys that may sign the next entry, unless `next_key_hashes` commits to others.
        next_key_hashes: hashes of the keys that may stand in the next entry's `updateKeys`; empty: any.
        witness: whose approval the next entry needs, None: nobody's.
        portable: whether the DID may move to another place.
        deactivated: whether it has ended.
    """

    scid: str
    update_keys: tuple[str, ...]
    next_key_hashes: tuple[str, ...] = ()
    witness: WitnessRule | None = None
    portable: bool = False
    deactivated: bool = False


def first_parameters(stated: object) -> Parameters:
    """Return what is active after the first entry.

    Raises:
        LogError: a rule is broken.
    """
    values = _values(stated)
    missing = [
        name for name in ("method", "scid", "updateKeys") if not isinstance(stated, dict) or stated.get(name) is None
    ]
    if missing:  # rule 2
        raise LogError(f"expected the first entry to name {', '.join(missing)}")
    scid = values["scid"]
    if not isinstance(scid, str):
        raise LogError("expected scid to be text")
    return _applied(Parameters(scid, ()), values)


def next_parameters(before: Parameters, stated: object) -> Parameters:
    """Return what is active after an entry that follows one after which `before` was.

    Raises:
        LogError: a rule is broken.
    """
    values = _values(stated)
    if "scid" in values:
        raise LogError("expected scid in the first entry only")
    if values.get("portable") is True:  # rule 4
        raise LogError("expected portable to be set to true in the first entry only")
    after = _applied(before, values)
    if before.next_key_hashes:  # rule 7
        for name in ("updateKeys", "nextKeyHashes"):
            if name not in values:
                raise LogError(f"expected {name} in each entry while nextKeyHashes commits to keys")
        committed = set(before.next_key_hashes)
        if any(key_hash(key) not in committed for key in after.update_keys):
            raise LogError("expected update keys that nextKeyHashes of the entry before commits to, found another")
    return after


def key_hash(multikey: str) -> str:
    """Return the hash by which `nextKeyHashes` commits to a key: of the Multikey's text."""
    return str(base58.b58encode(_SHA2_256 + hashlib.sha256(multikey.encode()).digest()), "ascii")


def commitment(multikeys: Sequence[str]) -> list[str]:
    """Return the value of `nextKeyHashes` that commits to `multikeys`."""
    return [key_hash(multikey) for multikey in multikeys]


def _values(stated: object) -> dict[str, Any]:
    if not isinstance(stated, dict):
        raise LogError("expected parameters to be an object")
    unknown = sorted(set(stated) - _KNOWN)
    if unknown:  # rule 1
        raise LogError(f"expected parameters of {METHOD}, found {unknown[0][:80]!r}")
    return {name: _DEFAULTS.get(name) if value is None else value for name, value in stated.items()}


def _applied(before: Parameters, values: Mapping[str, Any]) -> Parameters:
    if "method" in values and values["method"] != METHOD:  # rule 2
        raise LogError(f"expected the method {METHOD}, found another version")
    _listed(values, "watchers")
    if "ttl" in values and (type(values["ttl"]) is not int or not 0 <= values["ttl"] <= _MAX_TTL):  # rule 5
        raise LogError("expected ttl to be a whole number of seconds from 0 to 2^31")
    after = before
    if "updateKeys" in values:
        after = replace(after, update_keys=_listed(values, "updateKeys"))
    if "nextKeyHashes" in values:
        after = replace(after, next_key_hashes=_listed(values, "nextKeyHashes"))
    if "witness" in values:
        after = replace(after, witness=parse_rule(values["witness"]))  # rule 6
    for name in ("portable", "deactivated"):  # rule 4
        if name in values and type(values[name]) is not bool:
            raise LogError(f"expected {name} to be true or false")
    return replace(
        after,
        portable=values.get("portable", before.portable),
        deactivated=values.get("deactivated", before.deactivated),
    )


def _listed(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    listed = values.get(name, [])
    if not isinstance(listed, list) or len(listed) > MAX_LISTED or not all(isinstance(item, str) for item in listed):
        raise LogError(f"expected {name} to be a list of at most {MAX_LISTED} texts")  # rule 3
    return tuple(listed)
