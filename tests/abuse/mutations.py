"""Changes that a clever or a clumsy host makes to really signed material: of bytes, of JSON, of JWS, by chance."""

import base64
import json
from collections.abc import Sequence
from random import Random
from typing import Any

type Pieces = tuple[str, list[list[str]]]
"""A JWS taken apart: payload, and header and signature of each who signed; all in base64url."""


def with_bytes_changed(chance: Random, received: bytes, donors: Sequence[bytes]) -> bytes:
    """Return bytes with a few of them changed, moved, doubled, left out, or taken from somewhere else."""
    changed = bytearray(received)
    first, length = chance.randrange(len(changed) + 1), chance.choice([1, 1, 2, 8, 100])
    piece = bytes(changed[first : first + length])
    match chance.randrange(8):
        case 0 if first < len(changed):
            changed[first] ^= 1 << chance.randrange(8)
        case 1:
            del changed[first : first + length]
        case 2:
            del changed[first:]
        case 3:
            changed[first:first] = piece
        case 4:
            changed[first:first] = chance.choice([b" ", b"\n", b"=", b".", b"A", b"\x00", b"\xff", b'"', b"{", b","])
        case 5:
            other = chance.choice(donors)
            changed[first : first + length] = other[first : first + length]
        case 6:
            del changed[first : first + length]
            place = chance.randrange(len(changed) + 1)
            changed[place:place] = piece
        case _:
            changed[first:] = chance.choice(donors)[first:]
    return bytes(changed)


def spelt(chance: Random, value: Any, oddly: float) -> str:
    """Write JSON anew: members in another order, twice, exchanged, with other spaces, numbers and escapes."""

    def odd() -> bool:
        return chance.random() < oddly

    space = " " if odd() else ""
    if isinstance(value, dict):
        members = list(value.items())
        if odd():
            chance.shuffle(members)
        if odd() and members:
            members.append(chance.choice(members))
        if odd() and len(members) > 1:
            one, other = chance.sample(range(len(members)), 2)
            (one_name, one_value), (other_name, other_value) = members[one], members[other]
            members[one], members[other] = (one_name, other_value), (other_name, one_value)
        written = (f"{json.dumps(name)}:{spelt(chance, member, oddly)}" for name, member in members)
        return "{" + space + ",".join(written) + "}"
    if isinstance(value, list):
        items = list(value)
        if odd():
            chance.shuffle(items)
        if odd() and items:
            items.append(chance.choice(items))
        if odd() and items:
            items.pop()
        return "[" + space + ",".join(spelt(chance, item, oddly) for item in items) + "]"
    if isinstance(value, str) and value and odd():
        return f'"\\u{ord(value[0]):04x}{json.dumps(value[1:])[1:]}' if ord(value[0]) < 0x10000 else json.dumps(value)
    if isinstance(value, int) and not isinstance(value, bool) and odd():
        return chance.choice([f"{value}.0", f"{value}e0", f'"{value}"', str(value + 1), "-0", "9" * 30])
    return json.dumps(value, ensure_ascii=odd())


def with_json_changed(chance: Random, received: bytes) -> bytes:
    return spelt(chance, json.loads(received), chance.choice([0.01, 0.1, 0.5])).encode()


def mutated_jws(chance: Random, jws: bytes, donors: Sequence[bytes]) -> bytes:
    """Return a JWS, of one or several, with parts exchanged, doubled, left out, re-encoded, or bytes changed."""
    payload, signatures = _pieces(jws)
    for _ in range(chance.choice([0, 1, 1, 2, 3])):
        payload = _with_piece_changed(chance, payload, signatures, _pieces(chance.choice(donors)))
    written = _written(chance, payload, signatures)
    for _ in range(chance.choice([0, 0, 0, 1, 2])):
        written = with_bytes_changed(chance, written, donors)
    return written


def _with_piece_changed(chance: Random, payload: str, signatures: list[list[str]], donor: Pieces) -> str:
    """Change one thing; return the payload as it is then."""
    theirs = chance.choice(donor[1])
    mine = chance.choice(signatures) if signatures else None
    match chance.randrange(9):
        case 0:
            return donor[0]
        case 1:
            return _encoded_otherwise(chance, payload)
        case 2 if mine:
            part = chance.randrange(2)
            mine[part] = theirs[part]
        case 3 if mine:
            part = chance.randrange(2)
            mine[part] = _encoded_otherwise(chance, mine[part])
        case 4 if len(signatures) > 1:
            one, other = chance.sample(signatures, 2)
            part = chance.randrange(2)
            one[part], other[part] = other[part], one[part]
        case 5 if mine:
            signatures.insert(chance.randrange(len(signatures) + 1), list(mine))
        case 6 if mine:
            signatures.remove(mine)
        case 7:
            signatures.append(list(theirs))
        case _:
            chance.shuffle(signatures)
    return payload


def _encoded_otherwise(chance: Random, part: str) -> str:
    """Return base64url that some readers take for the same, or with JSON in it that is written anew."""
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:  # it was changed before
        return part
    match chance.randrange(6):
        case 0:
            return part + "=" * chance.choice([1, 2, -len(part) % 4 or 1])
        case 1:
            return base64.b64encode(raw).decode().rstrip("=")
        case 2:
            return part[:-1] + chance.choice("ABCDEFQRSgwx")  # bits that nobody reads, where the length leaves some
        case 3:
            place = chance.randrange(len(part) + 1)
            return part[:place] + chance.choice(["\n", " ", "-", "é"]) + part[place:]
        case 4:
            return base64.urlsafe_b64encode(part.encode()).decode().rstrip("=")
        case _:
            try:
                changed = with_json_changed(chance, raw)
            except ValueError:  # a signature
                changed = bytes([raw[0] ^ 1]) + raw[1:] if raw else b"A"
            return base64.urlsafe_b64encode(changed).decode().rstrip("=")


def _pieces(jws: bytes) -> Pieces:
    if jws[:1] == b"{":
        document = json.loads(jws)
        return document["payload"], [
            [signature["protected"], signature["signature"]] for signature in document["signatures"]
        ]
    header, payload, signature = jws.decode().split(".")
    return payload, [[header, signature]]


def _written(chance: Random, payload: str, signatures: list[list[str]]) -> bytes:
    if len(signatures) == 1 and chance.random() < 0.9:
        parts = [signatures[0][0], payload, signatures[0][1]]
        if chance.random() < 0.1:
            chance.shuffle(parts)
        return ".".join(parts).encode()
    members: list[Any] = [{"protected": protected, "signature": signature} for protected, signature in signatures]
    document: dict[str, Any] = {"payload": payload, "signatures": members}
    match chance.randrange(10):
        case 0:
            return spelt(chance, document, 0.2).encode()
        case 1:
            return json.dumps(document, indent=1).encode()
        case 2 if members:
            members[0]["header"] = {"alg": "none"}
        case 3 if members:
            document |= members[0]  # the flattened form (RFC 7515 §7.2.2)
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
