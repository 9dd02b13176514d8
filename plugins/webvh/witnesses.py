"""did:webvh 1.0 witnesses: who must approve a log entry, and the proofs that they did. No I/O.

Source: did:webvh 1.0, "DID Witnesses", "Verifying Witness Proofs During Resolution", and the parameter `witness`. The
library checks witnesses too, but leaves out rules 1, 2, 3 and 5 in parts; so a log is checked here, by all of these:

1. A rule has exactly `threshold` and `witnesses`; every witness is `{"id": "did:key:…"}` of an Ed25519 key, none stands
   twice; the threshold is a whole number from 1 to their count. Anything else that is not `{}` refuses the log.
2. A rule that comes after none is in force at once, for its own entry too; one that replaces another (or ends it with
   `{}`) is in force after its entry, which the witnesses of before must approve.
3. A proof counts if it is an `eddsa-jcs-2022` assertion over exactly `{"versionId": …}` by
   `did:key:<key>#<key>`, body and fragment alike.
4. A proof approves the entry that it names and all before it. What names an entry that is not in this log counts for
   nothing.
5. For every entry with a rule in force, at least `threshold` different witnesses of that rule approved it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

import base58
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wanderbuch.canonical_json import canonical
from wanderbuch.plugins.webvh.errors import LogError
from wanderbuch.plugins.webvh.keys import from_multibase, from_multikey, is_signed, to_multikey
from wanderbuch.strict_json import StrictJsonError, read_strict_json

MAX_WITNESSES: Final = 64
MAX_WITNESS_BYTES: Final = 1024 * 1024
_DID_KEY: Final = "did:key:"
_MAX_PROOFS: Final = 4096
_MAX_DEPTH: Final = 8

type Proof = Mapping[str, Any]


class WitnessError(LogError):
    """Witnesses have not approved what they must approve, or a proof is not one of theirs."""

    code = "resolution.did.log.witness"


@dataclass(frozen=True, slots=True)
class WitnessRule:
    """Whose approval an entry needs.

    Args:
        threshold: how many of them must approve.
        witnesses: their did:key DIDs.
    """

    threshold: int
    witnesses: tuple[str, ...]

    @classmethod
    def of(cls, threshold: int, witnesses: Iterable[str]) -> Self:
        """Return a rule for our own log; see `parse_rule`.

        Raises:
            WitnessError: it breaks rule 1.
        """
        rule = parse_rule({"threshold": threshold, "witnesses": [{"id": witness} for witness in witnesses]})
        if rule is None:
            raise WitnessError("expected at least one witness, found none")
        return cls(rule.threshold, rule.witnesses)

    def as_json(self) -> dict[str, Any]:
        """Return the value of the parameter `witness`."""
        return {"threshold": self.threshold, "witnesses": [{"id": witness} for witness in self.witnesses]}


def parse_rule(value: object) -> WitnessRule | None:
    """Return the rule that the parameter `witness` states, None for `{}` (rule 1).

    Raises:
        WitnessError: it breaks rule 1.
    """
    if value == {} or value is None:  # null: deprecated, to be read as {}
        return None
    if not isinstance(value, Mapping) or set(value) != {"threshold", "witnesses"}:
        raise WitnessError("expected a witness rule of threshold and witnesses, found something else")
    threshold, listed = value["threshold"], value["witnesses"]
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_WITNESSES:
        raise WitnessError(f"expected a list of 1 to {MAX_WITNESSES} witnesses, found something else")
    if any(not isinstance(witness, Mapping) or set(witness) != {"id"} for witness in listed):
        raise WitnessError('expected each witness as {"id": …}, found something else')
    witnesses = tuple(_did_key(witness["id"]) for witness in listed)
    if len(set(witnesses)) != len(witnesses):
        raise WitnessError("expected each witness once, found one twice")
    if type(threshold) is not int or not 1 <= threshold <= len(witnesses):
        raise WitnessError(f"expected a threshold from 1 to {len(witnesses)}, found something else")
    return WitnessRule(threshold, witnesses)


def rules_in_force(entries: Iterable[Mapping[str, Any]]) -> list[WitnessRule | None]:
    """Return for each entry of a log whose approval it needs (rule 2), and at the end: what the next entry would need.

    Raises:
        WitnessError: a parameter breaks rule 1.
    """
    active: WitnessRule | None = None
    needed: list[WitnessRule | None] = []
    for entry in entries:
        parameters = entry.get("parameters")
        named = isinstance(parameters, Mapping) and "witness" in parameters
        stated = parse_rule(parameters["witness"]) if named and isinstance(parameters, Mapping) else active
        needed.append(active if active is not None else stated)
        active = stated
    return [*needed, active]


def witness_proof(version_id: str, key: Ed25519PrivateKey, *, at: datetime) -> dict[str, str]:
    """Return a witness's approval of the entry `version_id`; see `approval.approve_entry` for what to check before.

    Args:
        version_id: of the entry, as the entry states it.
        key: the witness's own; its did:key stands in the rule.
        at: the instant, aware.
    """
    multikey = to_multikey(key.public_key().public_bytes_raw())
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": f"{_DID_KEY}{multikey}#{multikey}",
        "created": at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z",
        "proofPurpose": "assertionMethod",
    }
    signature = key.sign(_signed_bytes(version_id, options))
    return {**options, "proofValue": "z" + str(base58.b58encode(signature), "ascii")}


def witness_of(version_id: str, proof: object) -> str | None:
    """Return the did:key that approved `version_id` by `proof`, None if it did not (rule 3)."""
    if not isinstance(proof, Mapping) or "expires" in proof:  # an approval of history does not end
        return None
    form = (proof.get("type"), proof.get("cryptosuite"), proof.get("proofPurpose"))
    if form != ("DataIntegrityProof", "eddsa-jcs-2022", "assertionMethod"):
        return None
    did, _, fragment = str(proof.get("verificationMethod")).partition("#")
    if did != _DID_KEY + fragment:
        return None
    try:
        public_key = from_multikey(fragment)
        signature = from_multibase(proof.get("proofValue"), max_length=128)
        signed = _signed_bytes(version_id, {name: value for name, value in proof.items() if name != "proofValue"})
    except (ValueError, TypeError, RecursionError, rfc8785.CanonicalizationError):
        return None
    return did if is_signed(public_key, signed, signature) else None


def parse_proofs(received: bytes) -> dict[str, list[Proof]]:
    """Return what a `did-witness.json` holds: versionId -> proofs, none of them checked yet.

    Raises:
        WitnessError: it has another form.
    """
    try:
        listed = read_strict_json(received, max_bytes=MAX_WITNESS_BYTES, max_depth=_MAX_DEPTH, fractions=True)
    except StrictJsonError as err:
        raise WitnessError(f"did-witness.json: {err.message}") from err
    if not isinstance(listed, list):
        raise WitnessError("expected a list in did-witness.json, found something else")
    by_version: dict[str, list[Proof]] = {}
    count = 0
    for entry in listed:
        if not isinstance(entry, Mapping):
            raise WitnessError("expected objects in did-witness.json, found something else")
        version_id, proofs = entry.get("versionId"), entry.get("proof")
        proofs = [proofs] if isinstance(proofs, Mapping) else proofs
        if isinstance(version_id, str) and isinstance(proofs, list):
            count += len(proofs)
            by_version.setdefault(version_id, []).extend(proof for proof in proofs if isinstance(proof, Mapping))
    if count > _MAX_PROOFS:
        raise WitnessError(f"expected at most {_MAX_PROOFS} proofs in did-witness.json, found {count}")
    return by_version


def format_proofs(proofs: Mapping[str, Sequence[Proof]]) -> bytes:
    """Return the content of a `did-witness.json`."""
    listed = [
        {"versionId": version_id, "proof": list(of_version)} for version_id, of_version in proofs.items() if of_version
    ]
    return json.dumps(listed, separators=(",", ":")).encode()


def check_approvals(
    entries: Sequence[Mapping[str, Any]], proofs: Mapping[str, Sequence[Proof]], *, but_last: bool = False
) -> None:
    """Check that witnesses approved every entry that needs it (rules 1 to 5).

    Args:
        entries: a log whose hashes and signatures hold already.
        proofs: versionId -> proofs received.
        but_last: the last entry still waits for approval.

    Raises:
        WitnessError: a rule is broken.
    """
    needed = rules_in_force(entries)[:-1]
    if but_last:
        entries, needed = entries[:-1], needed[:-1]
    wanted = {witness for rule in needed if rule is not None for witness in rule.witnesses}
    upto: dict[str, int] = {}  # witness -> number of the newest entry that it approved
    for number in range(len(entries), 0, -1):
        version_id = str(entries[number - 1].get("versionId"))
        for proof in proofs.get(version_id, ()):
            witness = str(proof.get("verificationMethod")).partition("#")[0]
            if witness in wanted and witness not in upto and witness_of(version_id, proof) == witness:
                upto[witness] = number
    for number, rule in enumerate(needed, start=1):
        if rule is None:
            continue
        approved = sum(upto.get(witness, 0) >= number for witness in rule.witnesses)
        if approved < rule.threshold:
            raise WitnessError(
                f"insufficient approval of entry {number}: expected {rule.threshold} of its "
                f"{len(rule.witnesses)} witnesses, found {approved}"
            )


def _did_key(value: object) -> str:
    if not isinstance(value, str) or not value.startswith(_DID_KEY):
        raise WitnessError("expected a witness as did:key:z6Mk…, found something else")
    try:
        from_multikey(value.removeprefix(_DID_KEY))
    except ValueError as err:
        raise WitnessError("expected a witness with an Ed25519 key (did:key:z6Mk…), found another") from err
    return value


def _signed_bytes(version_id: str, options: Mapping[str, Any]) -> bytes:
    # Data Integrity EdDSA Cryptosuites, eddsa-jcs-2022: hash of the proof options, then hash of the document.
    body = canonical({"versionId": version_id})
    return hashlib.sha256(canonical(dict(options))).digest() + hashlib.sha256(body).digest()
