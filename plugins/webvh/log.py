"""did:webvh 1.0 logs: making entries and verifying a whole log. No I/O.

A log is accepted only if every rule holds:

1. It is UTF-8 of at most `MAX_LOG_BYTES`, one JSON object a line, at most `MAX_ENTRIES` entries.
2. Version numbers run from 1, entry hashes chain, versionTime grows and lies at most five minutes ahead of the clock;
   the first entry's hash is the SCID (did:webvh 1.0 §3.7.2). Checked by the library `did_webvh`.
3. Every proof is an assertion by an update key that is authorised for the entry; with pre-rotation, new update keys
   were committed to in the entry before (§3.7.5). Checked by the library, the purpose by us.
4. Where the log names witnesses, enough of them approved (§3.7.8). Checked by `witnesses`.
5. The newest document's id is the DID that is being resolved.
6. Nothing follows the entry that deactivates the DID.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from aries_askar import Key
from did_webvh.askar import AskarSigningKey
from did_webvh.core.file_utils import AsyncTextReader, AsyncTextReadError, read_str
from did_webvh.core.hash_utils import HashInfo
from did_webvh.core.resolver import DidResolver, HistoryResolver
from did_webvh.core.state import DocumentState
from did_webvh.verify import WebvhVerifier

from wanderbuch.governance.identifiers import WebvhDid
from wanderbuch.plugins.webvh.errors import LogError
from wanderbuch.plugins.webvh.witnesses import WitnessRule, check_approvals, parse_proofs, rules_in_force
from wanderbuch.strict_json import StrictJsonError, read_strict_json

MAX_LOG_BYTES: Final = 512 * 1024
MAX_ENTRIES: Final = 1000
_MAX_ENTRY_DEPTH: Final = 32
MAX_WITNESS_BYTES: Final = 1024 * 1024
# did:webvh 1.0 §3.4: stands for the SCID while the first entry is made.
SCID_PLACEHOLDER: Final = "{SCID}"


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """A log that keeps all rules; only `verify_log` makes one.

    Args:
        did: whose log.
        version_ids: version number -> versionId, of all entries.
        document: the newest DID document; not to be changed.
        deactivated: whether the DID has ended.
        update_keys: Multikeys that may sign the next entry, unless pre-rotation names others.
        prerotated: whether the next update keys are committed to.
        approval, next_approval: whose approval the newest entry needs, and the one after it, or None.
    """

    did: WebvhDid
    version_ids: Mapping[int, str]
    document: Mapping[str, Any]
    deactivated: bool
    update_keys: tuple[str, ...]
    prerotated: bool
    approval: WitnessRule | None
    next_approval: WitnessRule | None

    @property
    def version_id(self) -> str:
        """The newest versionId."""
        return self.version_ids[max(self.version_ids)]


async def verify_log(
    did: WebvhDid, received_log: bytes, received_witness: bytes | None = None, *, last_waits: bool = False
) -> VerifiedLog:
    """Check a log against all rules.

    Args:
        did: whose log it should be.
        received_log: the content of `did.jsonl`.
        received_witness: the content of `did-witness.json`, or None if there is none.
        last_waits: the last entry is not published yet and still waits for its witnesses: rule 4 leaves it out.

    Raises:
        LogError: a rule is broken.
    """
    text = _text(did, received_log)  # rule 1
    entries = [read_entry(line) for line in text.split("\n") if line]
    verifier = _Verifier()
    try:
        state, _ = await DidResolver(verifier).resolve_state(did, _Received(text), verify_witness=False)  # rules 2, 3
        states = verifier.states
        chained = [each.version_id for each in states]
    except Exception as err:  # the library fails in many ways on hostile input; all of them refuse
        raise LogError(f"the log of {did} is not valid: {_reason(err)}") from err
    if state.document.get("id") != did:  # rule 5
        raise LogError(f"expected the log of {did}, found the log of another DID")
    if state.version_number != len(states) or any(each.deactivated for each in states[:-1]):  # rule 6
        raise LogError(f"the log of {did} goes on after the DID was deactivated")
    approvals = rules_in_force(entries)
    if any(approvals):  # rule 4
        proofs = {} if received_witness is None else parse_proofs(received_witness)
        await asyncio.to_thread(check_approvals, entries, proofs, but_last=last_waits)
    return VerifiedLog(
        did=did,
        version_ids=MappingProxyType(dict(enumerate(chained, start=1))),
        document=MappingProxyType(state.document_copy()),
        deactivated=state.deactivated,
        update_keys=tuple(state.update_keys or ()),
        prerotated=bool(state.next_key_hashes),
        approval=approvals[-2],
        next_approval=approvals[-1],
    )


def names_witnesses(received_log: bytes) -> bool:
    """Tell whether any entry of an unverified log sets witnesses, so that `did-witness.json` must be fetched."""
    for line in received_log.splitlines():
        try:
            entry = read_entry(line)
        except LogError:
            return False
        parameters = entry.get("parameters") if isinstance(entry, dict) else None
        if isinstance(parameters, dict) and parameters.get("witness"):
            return True
    return False


def read_entry(line: bytes | str) -> Any:
    """Return one entry of a log as JSON; numbers in it may be whatever RFC 8785 knows.

    Raises:
        LogError: two readers could understand it differently.
    """
    try:
        return read_strict_json(line, max_bytes=MAX_LOG_BYTES, max_depth=_MAX_ENTRY_DEPTH, fractions=True)
    except StrictJsonError as err:
        raise LogError(f"an entry of the log is not usable JSON: {err.message}") from err


def first_entry(
    document: Mapping[str, Any],
    *,
    update_key: Key,
    next_keys: tuple[str, ...],
    at: datetime,
    witnesses: WitnessRule | None = None,
) -> tuple[WebvhDid, str]:
    """Make the first entry of a log.

    Args:
        document: the DID document with `{SCID}` wherever the SCID belongs.
        update_key: Ed25519 key pair that may sign entries.
        next_keys: Multikeys of the update keys of the second entry; empty for no pre-rotation.
        at: the instant, in UTC.
        witnesses: who must approve this entry and the next ones, or None.

    Returns:
        The DID, and the entry as one line of JSON without the line end.
    """
    signer = AskarSigningKey(update_key)
    parameters: dict[str, Any] = {"updateKeys": [str(signer.multikey)], **_commitment(next_keys)}
    if witnesses is not None:
        parameters["witness"] = witnesses.as_json()
    state = DocumentState.initial(parameters, dict(document), timestamp=at)
    state.sign(signer, timestamp=state.timestamp)
    return WebvhDid.parse(state.document_id), state.history_json()


def next_entry(
    log: str,
    document: Mapping[str, Any],
    *,
    update_key: Key,
    next_keys: tuple[str, ...],
    at: datetime,
    witness: Mapping[str, Any] | None = None,
) -> str:
    """Make the entry that follows the last one of `log`, which is our own.

    Args:
        log: all entries so far, one a line.
        document: the new DID document.
        update_key: Ed25519 key pair: the one committed to before, or without pre-rotation the current one.
        next_keys: Multikeys of the update keys of the entry after this one; empty for no pre-rotation.
        at: the instant, in UTC; moved behind the last entry's time if need be.
        witness: new value of the parameter `witness` (`{}` = no witnesses any more), or None to leave it as it is.

    Returns:
        The entry as one line of JSON without the line end.
    """
    last: DocumentState | None = None
    for line in log.splitlines():
        last = DocumentState.load_history_json(line, last)
    if last is None:
        raise LogError("expected a log with at least one entry, found an empty one")
    signer = AskarSigningKey(update_key)
    parameters: dict[str, Any] = {}
    if last.next_key_hashes:
        parameters = {"updateKeys": [str(signer.multikey)], **_commitment(next_keys)}
    if witness is not None:
        parameters["witness"] = dict(witness)
    state = last.create_next(dict(document), parameters, max(at, last.timestamp + timedelta(seconds=1)))
    state.sign(signer, timestamp=state.timestamp)
    return str(state.history_json())


def utc_now() -> datetime:
    """Return the present instant in whole seconds, as logs have it."""
    return datetime.now(UTC).replace(microsecond=0)


class _Verifier(WebvhVerifier):  # type: ignore[misc]  # did_webvh has no types
    """The library's checks, with those that it leaves out; remembers the states in order."""

    def __init__(self) -> None:
        super().__init__(enforce_future_skew=True)
        self.states: list[DocumentState] = []

    def verify_state(self, state: DocumentState, prev_state: DocumentState | None, is_final: bool) -> Any:
        """Check one entry against the one before."""
        if any(proof.get("proofPurpose") != "assertionMethod" for proof in state.proofs):
            raise ValueError("expected the proof purpose assertionMethod")
        self.states.append(state)
        return super().verify_state(state, prev_state, is_final)


class _Received(HistoryResolver):  # type: ignore[misc]  # did_webvh has no types
    """Gives the library the log that we fetched; it fetches nothing itself, and is not asked about witnesses."""

    def __init__(self, log: str) -> None:
        self._log = log

    def resolve_entry_log(self, document_id: str | None) -> AbstractAsyncContextManager[AsyncTextReader]:
        """Return the log."""
        return read_str(self._log)  # type: ignore[no-any-return]

    @asynccontextmanager
    async def resolve_witness_log(self, document_id: str | None) -> AsyncIterator[AsyncTextReader]:
        """Refuse: see rule 4."""
        raise AsyncTextReadError("the library does not check witnesses here")
        yield


def _text(did: WebvhDid, received_log: bytes) -> str:
    if len(received_log) > MAX_LOG_BYTES:
        raise LogError(f"expected a log of {did} of at most {MAX_LOG_BYTES} bytes, found {len(received_log)}")
    try:
        text = received_log.decode()
    except UnicodeDecodeError as err:
        raise LogError(f"the log of {did} is not UTF-8 text") from err
    lines = [line for line in text.split("\n") if line.strip()]
    if not 0 < len(lines) <= MAX_ENTRIES:
        raise LogError(f"expected 1 to {MAX_ENTRIES} entries in the log of {did}, found {len(lines)}")
    return "\n".join(lines) + "\n"


def _commitment(next_keys: tuple[str, ...]) -> dict[str, Any]:
    # did:webvh 1.0 §3.7.5: the hash of the Multikey's text.
    hashing = HashInfo.from_name("sha2-256")
    return {"nextKeyHashes": [hashing.formatted_hash(key.encode()) for key in next_keys]} if next_keys else {}


def _reason(err: Exception) -> str:
    details = getattr(err, "problem_details", None)
    title = getattr(details, "title", None)
    detail = getattr(details, "detail", None)
    return str(detail or title or err or type(err).__name__)[:200]
