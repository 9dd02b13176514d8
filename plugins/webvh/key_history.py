"""Which keys of a did:webvh DID counted when: by the whole log, for what was signed some time ago. No I/O.

A key counts from the `versionTime` of the first entry whose document has it in `assertionMethod` (`document`) until
that of the entry in which it no longer stands there, or which deactivates the DID. It may come back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from wanderbuch.governance.facts.identifiers import DidUrl, WebvhDid
from wanderbuch.plugins.webvh.document import DidDocument
from wanderbuch.plugins.webvh.entries import read_entries
from wanderbuch.plugins.webvh.log import VerifiedLog, check_log
from wanderbuch.plugins.webvh.version_time import parse_version_time


@dataclass(frozen=True, slots=True)
class KeyTime:
    """One time during which a key counted.

    Args:
        key: raw 32-byte Ed25519 public key.
        since: from this instant.
        until: to this instant; None: it counts still.
    """

    key: bytes
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """The keys of a DID over time; only `key_history` makes one.

    Args:
        log: as it was checked.
        times: of each verification method, oldest first.
    """

    log: VerifiedLog
    times: Mapping[DidUrl, tuple[KeyTime, ...]]


def key_history(
    did: WebvhDid, received_log: bytes, received_witness: bytes | None = None, *, at: datetime
) -> KeyHistory:
    """Check a log against all rules, and return its keys over time; arguments and errors as for `log.check_log`."""
    log = check_log(did, received_log, received_witness, at=at)
    times: dict[DidUrl, list[KeyTime]] = {}
    counting: dict[DidUrl, KeyTime] = {}
    entries = read_entries(received_log)
    for number, entry in enumerate(entries, start=1):
        since, _ = parse_version_time(entry["versionTime"])
        ended = log.deactivated and number == len(entries)
        document = DidDocument.of(did, str(entry["versionId"]), entry["state"], log.names)
        keys = {} if ended else document.assertion_keys
        for kid, time in list(counting.items()):
            if keys.get(kid) != time.key:
                times[kid].append(KeyTime(time.key, time.since, since))
                del counting[kid]
        for kid, key in keys.items():
            if kid not in counting:
                times.setdefault(kid, [])
                counting[kid] = KeyTime(key, since, None)
    for kid, time in counting.items():
        times[kid].append(time)
    return KeyHistory(log, {kid: tuple(spans) for kid, spans in times.items()})
