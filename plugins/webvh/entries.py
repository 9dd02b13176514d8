"""The entries of a did:webvh log as they were received: reading, hashing, and who signed them. No I/O.

Sources: did:webvh 1.0, The DID Log File, SCID Generation and Verification, LogEntry Hash Generation and Verification,
Authorized Keys; RFC 8785 (JCS); Data Integrity EdDSA Cryptosuites 1.0 §3.3 (`eddsa-jcs-2022`).

Nothing is read into a model and written again before it is hashed: another writer's legal spelling (milliseconds, null,
a fraction, the order of members) would come out otherwise, and its hash with it.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import base58
import rfc8785

from wanderbuch.canonical_json import canonical
from wanderbuch.governance.facts.identifiers import IdentifierError, WebvhDid
from wanderbuch.plugins.webvh.errors import LogError
from wanderbuch.plugins.webvh.keys import from_multibase, from_multikey, is_signed
from wanderbuch.strict_json import StrictJsonError, read_strict_json

MAX_LOG_BYTES: Final = 512 * 1024
MAX_ENTRIES: Final = 1000
MAX_PROOFS: Final = 16
MAX_DEPTH: Final = 64
# What resolves a DID copies its document; ours have 3 kB.
MAX_DOCUMENT_BYTES: Final = 64 * 1024
# did:webvh 1.0, Create, step 1: stands for the SCID while the first entry is made.
SCID_PLACEHOLDER: Final = "{SCID}"
_MEMBERS: Final = frozenset({"versionId", "versionTime", "parameters", "state", "proof"})
_DID_KEY: Final = "did:key:"
_SHA2_256: Final = b"\x12\x20"

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of a log, nothing of which is checked yet but its form.

    Args:
        received: the entry; not to be changed.
        canonical: the JCS form of `parameters`, `state` and `versionTime`, which is hashed and signed.
    """

    received: Json
    canonical: tuple[bytes, bytes, bytes]

    @property
    def version_id(self) -> str:
        """The versionId as the entry states it."""
        return str(self.received["versionId"])

    def bytes_with(self, version_id: str) -> bytes:
        """Return the JCS form of the entry without its proofs, with another versionId."""
        parameters, state, time = self.canonical
        return b'{"parameters":%b,"state":%b,"versionId":%b,"versionTime":%b}' % (
            parameters,
            state,
            canonical(version_id),
            time,
        )


def read_entries(received_log: bytes) -> list[Json]:
    """Return the entries of an unverified log, each a JSON object; nothing else is checked.

    Raises:
        LogError: it is too long, no log, or two readers could understand it differently.
    """
    if len(received_log) > MAX_LOG_BYTES:
        raise LogError(f"expected a log of at most {MAX_LOG_BYTES} bytes, found {len(received_log)}")
    lines = [line for line in received_log.split(b"\n") if line.strip()]
    if not 0 < len(lines) <= MAX_ENTRIES:
        raise LogError(f"expected 1 to {MAX_ENTRIES} entries in the log, found {len(lines)}")
    entries: list[Json] = []
    for number, line in enumerate(lines, start=1):
        try:
            entry = read_strict_json(line, max_bytes=MAX_LOG_BYTES, max_depth=MAX_DEPTH, fractions=True)
        except StrictJsonError as err:
            raise LogError(f"entry {number} of the log: {err.message}") from err
        if not isinstance(entry, dict):
            raise LogError(f"expected entry {number} of the log to be an object, found something else")
        entries.append(entry)
    return entries


def entry_of(received: Json) -> LogEntry:
    """Return an entry of the right form.

    Raises:
        LogError: it has another form.
    """
    members = set(received)
    if members != _MEMBERS:
        odd = min(members ^ _MEMBERS)
        raise LogError(f"expected the members {', '.join(sorted(_MEMBERS))}, found one too {_much(odd, members)}")
    if not isinstance(received["versionId"], str):
        raise LogError("expected versionId to be text")
    if not isinstance(received["state"], dict):
        raise LogError("expected state to be a DID document")
    try:
        parts = (
            canonical(received["parameters"]),
            canonical(received["state"]),
            canonical(received["versionTime"]),
        )
    except (rfc8785.CanonicalizationError, ValueError, RecursionError) as err:
        raise LogError("the entry has no canonical JSON form (RFC 8785)") from err
    if len(parts[1]) > MAX_DOCUMENT_BYTES:
        raise LogError(f"expected a DID document of at most {MAX_DOCUMENT_BYTES} bytes, found {len(parts[1])}")
    return LogEntry(received, parts)


def unverified_name(received: Json) -> WebvhDid:
    """Return the DID that an unverified entry gives its document.

    Raises:
        LogError: it is no did:webvh DID.
    """
    state = received.get("state")
    try:
        return WebvhDid.parse(state.get("id") if isinstance(state, dict) else None)
    except IdentifierError as err:
        raise LogError(f"expected a did:webvh DID as the document's id: {err.message}") from err


def check_scid(entry: LogEntry, scid: str) -> None:
    """Check that the first entry of a log is what its SCID was made from.

    Raises:
        LogError: it is not.
    """
    text = entry.bytes_with(SCID_PLACEHOLDER).replace(scid.encode(), SCID_PLACEHOLDER.encode())
    try:  # read again: a member's name may hold the SCID, and then the order of members is another one
        preliminary = read_strict_json(text, max_bytes=2 * MAX_LOG_BYTES, max_depth=MAX_DEPTH + 1, fractions=True)
    except StrictJsonError as err:
        raise LogError(f"the first entry cannot be read with its placeholders: {err.message}") from err
    if multihash(canonical(preliminary)) != scid:
        raise LogError("expected the first entry to be the one that the SCID was made from, found another")


def check_version_id(entry: LogEntry, number: int, predecessor: str) -> None:
    """Check an entry's number and hash.

    Args:
        entry: what to check.
        number: counts from 1.
        predecessor: the versionId of the entry before; the SCID for the first one.

    Raises:
        LogError: it has another number or hash.
    """
    if entry.version_id != f"{number}-{multihash(entry.bytes_with(predecessor))}":
        if entry.version_id.partition("-")[0] != str(number):
            raise LogError(f"expected the version number {number}, found {entry.version_id[:20]!r}")
        raise LogError("expected the versionId to hold the hash of the entry, found another hash")


def check_signatures(entry: LogEntry, update_keys: Collection[str], *, at: datetime) -> None:
    """Check that each proof of an entry is an assertion by one of the update keys, and that there is one.

    Raises:
        LogError: it is not.
    """
    proofs = entry.received["proof"]
    proofs = [proofs] if isinstance(proofs, dict) else proofs  # the specification's JSON schema allows both
    if not isinstance(proofs, list) or not 0 < len(proofs) <= MAX_PROOFS:
        raise LogError(f"expected 1 to {MAX_PROOFS} proofs, found something else")
    body = entry.bytes_with(entry.version_id)
    for proof in proofs:
        check_proof(proof, body, update_keys, at=at)


def check_proof(proof: object, body: bytes, update_keys: Collection[str], *, at: datetime) -> None:
    """Check one proof over `body`; see `check_signatures`."""
    if not isinstance(proof, Mapping):
        raise LogError("expected a proof to be an object")
    if (proof.get("type"), proof.get("cryptosuite")) != ("DataIntegrityProof", "eddsa-jcs-2022"):
        raise LogError("expected a DataIntegrityProof of the cryptosuite eddsa-jcs-2022")
    if proof.get("proofPurpose") != "assertionMethod":
        raise LogError("expected the proof purpose assertionMethod")
    if "expires" in proof and _is_over(proof["expires"], at):
        raise LogError("expected a proof that has not expired")
    body_key, _, key = str(proof.get("verificationMethod")).partition("#")
    if body_key != _DID_KEY + key or key not in update_keys:
        raise LogError("expected a proof by did:key:<update key>#<update key>, found another key than an update key")
    try:
        public_key = from_multikey(key)
        signature = from_multibase(proof.get("proofValue"), max_length=128)
        options = canonical({name: value for name, value in proof.items() if name != "proofValue"})
    except (ValueError, RecursionError, rfc8785.CanonicalizationError) as err:
        raise LogError("expected an Ed25519 signature in multibase base58btc (z…)") from err
    if not is_signed(public_key, hashlib.sha256(options).digest() + hashlib.sha256(body).digest(), signature):
        raise LogError("expected a signature that holds")


def multihash(content: bytes) -> str:
    """Return the base58btc of the sha2-256 multihash of `content`."""
    return str(base58.b58encode(_SHA2_256 + hashlib.sha256(content).digest()), "ascii")


def _is_over(expires: object, at: datetime) -> bool:
    try:
        instant = datetime.fromisoformat(str(expires))
    except ValueError:
        return True
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)) <= at


def _much(odd: str, members: set[str]) -> str:
    return f"many: {odd[:80]!r}" if odd in members else f"few: {odd!r} is missing"
