"""did:webvh 1.0 logs: verifying a whole log. No I/O.

Source: did:webvh 1.0, Read (Resolve). A log is accepted only if every rule holds, for every entry:

1. The log is JSON of at most `MAX_LOG_BYTES`, one object a line, at most `MAX_ENTRIES` entries (`entries`).
2. Its parameters are those of version 1.0, fit those before, and keep what these committed to (`parameters`).
3. Its number counts from 1; its hash is that of the entry as received, chained to the entry before; the first one's is
   the SCID.
4. Every proof is an assertion by an update key that is authorised for the entry: its own ones in the first entry and
   where keys were committed to, else those of before.
5. versionTime grows, and lies at most five minutes ahead of the clock (`version_time`).
6. The document's id is a did:webvh DID with the SCID of the log; it changes only while the DID is portable, and then
   the document names the one before in `alsoKnownAs` (DID Portability).
7. The DID that is being resolved is the id of at least one entry (Read, step 6): a moved DID is found by each name that
   it had.
8. Nothing follows the entry that deactivates the DID.
9. Where the log names witnesses, enough of them approved (`witnesses`).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.entries import (
    Json,
    check_scid,
    check_signatures,
    check_version_id,
    entry_of,
    read_entries,
    unverified_name,
)
from wanderbuch.plugins.webvh.errors import LogError
from wanderbuch.plugins.webvh.parameters import Parameters, first_parameters, next_parameters
from wanderbuch.plugins.webvh.version_time import VersionTime, is_later_than, parse_version_time
from wanderbuch.plugins.webvh.witnesses import WitnessRule, check_approvals, parse_proofs, rules_in_force

MAX_NAMES: Final = 32
MAX_SKEW: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """A log that keeps all rules; only `check_log` makes one.

    Args:
        did: whose log, by the name that was asked for.
        names: every name that the DID has had, the present one first.
        version_ids: version number -> versionId, of all entries.
        document: the newest DID document; not to be changed.
        deactivated: whether the DID has ended.
        update_keys: Multikeys that may sign the next entry, unless pre-rotation names others.
        prerotated: whether the next update keys are committed to.
        approval, next_approval: whose approval the newest entry needs, and the one after it, or None.
    """

    did: WebvhDid
    names: tuple[WebvhDid, ...]
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
    """Check a log against all rules now, in a thread: a long one takes longer than an event loop may stand still."""
    return await asyncio.to_thread(
        check_log, did, received_log, received_witness, at=datetime.now(UTC), last_waits=last_waits
    )


def check_log(
    did: WebvhDid,
    received_log: bytes,
    received_witness: bytes | None = None,
    *,
    at: datetime,
    last_waits: bool = False,
) -> VerifiedLog:
    """Check a log against all rules.

    Args:
        did: whose log it should be, by any of its names.
        received_log: the content of `did.jsonl`.
        received_witness: the content of `did-witness.json`, or None if there is none.
        at: the instant, aware.
        last_waits: the last entry is not published yet and still waits for its witnesses: rule 9 leaves it out.

    Raises:
        LogError: a rule is broken; the message names the entry.
    """
    entries = read_entries(received_log)  # rule 1
    last: _Checked | None = None
    checked: list[_Checked] = []
    for number, received in enumerate(entries, start=1):
        try:
            last = _check(received, number, did.scid, last, at)
        except LogError as err:
            raise type(err)(f"the log of {did} is not valid: entry {number}: {err.message}") from err
        checked.append(last)
    names = tuple(dict.fromkeys(state.name for state in reversed(checked)))
    if did not in names:  # rule 7
        raise LogError(f"expected the log of {did}, found the log of another DID: no entry has that id")
    if len(names) > MAX_NAMES:
        raise LogError(f"expected a DID that had at most {MAX_NAMES} names, found {len(names)}")
    approvals = rules_in_force(entries)
    if any(approvals):  # rule 9
        proofs = {} if received_witness is None else parse_proofs(received_witness)
        check_approvals(entries, proofs, but_last=last_waits)
    newest = checked[-1]
    return VerifiedLog(
        did=did,
        names=names,
        version_ids=MappingProxyType(dict(enumerate((state.version_id for state in checked), start=1))),
        document=MappingProxyType(entries[-1]["state"]),
        deactivated=newest.parameters.deactivated,
        update_keys=newest.parameters.update_keys,
        prerotated=bool(newest.parameters.next_key_hashes),
        approval=approvals[-2],
        next_approval=approvals[-1],
    )


def names_witnesses(received_log: bytes) -> bool:
    """Tell whether any entry of an unverified log sets witnesses, so that `did-witness.json` must be fetched."""
    try:
        entries = read_entries(received_log)
    except LogError:
        return False
    parameters = (entry.get("parameters") for entry in entries)
    return any(isinstance(parameter, dict) and parameter.get("witness") for parameter in parameters)


@dataclass(frozen=True, slots=True)
class _Checked:
    """An entry that keeps rules 2 to 6."""

    version_id: str
    time: VersionTime
    name: WebvhDid
    parameters: Parameters


def _check(received: Json, number: int, scid: str, last: _Checked | None, at: datetime) -> _Checked:
    entry = entry_of(received)
    stated = received["parameters"]
    parameters = first_parameters(stated) if last is None else next_parameters(last.parameters, stated)  # rule 2
    if last is not None and last.parameters.deactivated:  # rule 8
        raise LogError("expected nothing after the entry that deactivates the DID")
    if parameters.scid != scid:
        raise LogError("expected the log of another DID: the scid is not that of the DID")
    name = _name(received, scid, last, parameters)  # rule 6
    time = _time(received["versionTime"], last, at)  # rule 5
    if last is None:  # rule 3
        check_scid(entry, scid)
    check_version_id(entry, number, scid if last is None else last.version_id)
    own = last is None or last.parameters.next_key_hashes
    signers = parameters.update_keys if last is None or own else last.parameters.update_keys
    check_signatures(entry, signers, at=at)  # rule 4
    return _Checked(entry.version_id, time, name, parameters)


def _name(received: Json, scid: str, last: _Checked | None, parameters: Parameters) -> WebvhDid:
    name = unverified_name(received)
    if name.scid != scid:
        raise LogError("expected the SCID of the log in the document's id, found another")
    if last is not None and name != last.name:
        if not parameters.portable:
            raise LogError("expected the document's id as before, for the DID is not portable, found another")
        known = received["state"].get("alsoKnownAs")
        if not isinstance(known, list) or last.name not in known:
            raise LogError("expected the DID's name before it moved in alsoKnownAs, found none")
    return name


def _time(text: object, last: _Checked | None, at: datetime) -> VersionTime:
    try:
        time = parse_version_time(text)
    except ValueError as err:
        raise LogError(f"versionTime: {err}") from err
    if is_later_than(time, at, by=MAX_SKEW):
        raise LogError("expected a versionTime of at most five minutes ahead, found one in the future")
    if last is not None and time <= last.time:
        raise LogError("expected a versionTime later than that of the entry before, found another")
    return time
