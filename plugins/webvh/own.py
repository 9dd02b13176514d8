"""What the wallet keeps of a DID of ours: its whole log and the names of its keys; private keys stay in the wallet."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import base58
from acapy_agent.core.profile import Profile, ProfileSession
from aries_askar import Entry

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import Did, WebvhDid
from wanderbuch.plugins.webvh.document import Service
from wanderbuch.plugins.webvh.keys import to_multikey
from wanderbuch.plugins.webvh.witnesses import WitnessRule, rules_in_force
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.leases import Lease
from wanderbuch.store.numbers import named
from wanderbuch.store.tables import tables_of, tenant_of

_CATEGORY: Final = "wanderbuch.webvh.did"
_LONGEST_WAIT_S: Final = 120.0  # a rotation signs and writes every resource anew


@dataclass(frozen=True, slots=True)
class OldKey:
    """A key for key agreement that the document names no more, for what is still on its way.

    Args:
        name: in the wallet, as `OwnDid.agreement_keys` has it.
        until: seconds since 1970; from then on it opens nothing.
    """

    name: str
    until: int


@dataclass(frozen=True, slots=True)
class OwnDid:
    """A DID of this wallet.

    Args:
        did: the DID.
        log: all log entries, one a line.
        update_key: name in the wallet of the key that signed the last entry.
        next_update_key: name of the key committed to for the next entry, or None without pre-rotation.
        assertion_keys: names of the keys in `assertionMethod`, the one that signs first.
        didcomm_key: name of the key that DIDComm messages are encrypted to.
        didcomm_endpoint: where DIDComm messages go, or None.
        services: what else the document names.
        agreement_keys: names of the keys for key agreement, which are their ids in the document: with them the DID
            takes DIDComm v2 as well.
        old_agreement_keys: those that were rotated out and still open envelopes.
        old_key_stays: whether a rotation leaves the old assertion key until somebody drops it.
        proofs: versionId -> approvals of witnesses, as published.
        held: what this record becomes when enough witnesses have approved its last entry, which nobody else has seen;
            `proofs` are then those collected so far as well.
    """

    did: WebvhDid
    log: str
    update_key: str
    next_update_key: str | None
    assertion_keys: tuple[str, ...]
    didcomm_key: str
    didcomm_endpoint: str | None
    services: tuple[Service, ...] = ()
    agreement_keys: tuple[str, ...] = ()
    old_agreement_keys: tuple[OldKey, ...] = ()
    old_key_stays: bool = False
    proofs: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    held: "OwnDid | None" = None

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The log entries."""
        return [json.loads(line) for line in self.log.split("\n") if line]

    @property
    def number(self) -> int:
        """How many entries the log has: it only ever grows."""
        return self.log.count("\n")

    @property
    def version_id(self) -> str:
        """The versionId of the last entry."""
        return str(json.loads(self.log.splitlines()[-1])["versionId"])

    @property
    def approval(self) -> WitnessRule | None:
        """Whose approval the last entry needs."""
        return rules_in_force(self.entries)[-2]

    @property
    def next_approval(self) -> WitnessRule | None:
        """Whose approval the next entry needs, unless it is the one that names the first witnesses."""
        return rules_in_force(self.entries)[-1]

    @property
    def document(self) -> dict[str, Any]:
        """The DID document of the newest log entry."""
        document: dict[str, Any] = json.loads(self.log.splitlines()[-1])["state"]
        return document


async def own_did(profile: Profile, did: Did | str) -> OwnDid | None:
    """Return what the wallet of `profile` keeps of `did`, or None if it is not a DID of this wallet."""
    async with profile.session() as session:
        return await read_own(session, did)


async def own_dids(profile: Profile) -> list[WebvhDid]:
    """Return every DID of a wallet."""
    async with profile.session() as session:
        return [WebvhDid.parse(entry.name) for entry in await fetch_entries(session, _CATEGORY)]


async def own_did_at(profile: Profile, host: str, path: str) -> OwnDid | None:
    """Return this wallet's DID at `https://<host>/<path>`, or None."""
    async with profile.session() as session:
        entries = await fetch_entries(session, _CATEGORY, {"place": f"{host}/{path}"}, limit=1)
        return _parse(entries[0]) if entries else None


async def read_own(session: ProfileSession, did: Did | str, *, for_update: bool = False) -> OwnDid | None:
    """Return the record of `did` in an open session, or None."""
    entry = await session.handle.fetch(_CATEGORY, str(did), for_update=for_update)
    return None if entry is None else _parse(entry)


async def write_own(session: ProfileSession, own: OwnDid, *, new: bool = False) -> None:
    """Write the record in an open transaction."""
    write = session.handle.insert if new else session.handle.replace
    place = f"{own.did.host}/{'/'.join(own.did.path)}"
    await write(_CATEGORY, own.did, value=json.dumps(asdict(own)), tags={"place": place})


def publishing(profile: Profile, name: str) -> AbstractAsyncContextManager[Lease]:
    """Return the lease of a DID (or of the place of one): one writer at a time publishes its log and resources.

    It keeps processes apart. One that slept and lost it overwrites nothing: what it publishes has a smaller number, and
    what it writes to the wallet is compared there with what it read.
    """
    lease = named(tenant_of(profile), "webvh", name)
    return tables_of(profile).leases.hold(lease, wait_s=_LONGEST_WAIT_S)


def public_key(name: str) -> bytes:
    """Return the raw public key of the key that the wallet keeps as `name` (ACA-Py names keys so: base58)."""
    return bytes(base58.b58decode(name))


def multikey(name: str) -> str:
    """Return the Multikey of the key that the wallet keeps as `name`."""
    return to_multikey(public_key(name))


def _parse(entry: Entry) -> OwnDid:
    try:
        return _own(entry.value_json)
    except (ValueError, KeyError, TypeError) as err:
        raise ConfigurationError(f"the wallet's record of the DID {entry.name} is damaged") from err


def _own(kept: dict[str, Any]) -> OwnDid:
    fields = {
        **kept,
        "did": WebvhDid.parse(kept["did"]),
        "assertion_keys": tuple(kept["assertion_keys"]),
        "agreement_keys": tuple(kept.get("agreement_keys", ())),
        "old_agreement_keys": tuple(OldKey(**key) for key in kept.get("old_agreement_keys", ())),
        "services": tuple(Service(**service) for service in kept.get("services", ())),
        "held": _own(kept["held"]) if kept.get("held") else None,
    }
    return OwnDid(**fields)
