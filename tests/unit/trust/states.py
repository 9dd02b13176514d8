"""Several authorities on hosts of their own, each with a signed governance file, and an agent that reads them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from tests.unit.trust.ecosystem import Authority, FileHost, digest, payload, webvh
from tests.welders import accreditation

from wanderbuch.errors import GovernanceError, ResolutionError
from wanderbuch.governance.facts.anoncreds_ids import CredDefId
from wanderbuch.governance.facts.identifiers import DidUrl, WebvhDid
from wanderbuch.governance.form.model import PROFILE_STATEMENTS
from wanderbuch.governance.signed.freshness import FreshnessStatement, sign_freshness
from wanderbuch.governance.signed.history import Head, HistoryEntry, head_of, write_entries
from wanderbuch.governance.signed.merkle import leaf_hash
from wanderbuch.governance.signed.signing import SignedGovernanceFile, co_sign, sign_file, verify_file
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.following.source import GovernanceSource, GovernanceSourceConfig

Json = dict[str, Any]


class State(Authority):
    """An authority with an issuer of its own and a place where its files lie."""

    def __init__(self, name: str) -> None:
        super().__init__(webvh(name))
        self.name = name
        self.url = f"https://{self.did.host}/governance/{name}"
        self.issuer = webvh(f"centre-{name}")
        self.cred_def = CredDefId.of(self.issuer, digest())
        self.entries: list[HistoryEntry] = []

    def document(self, version: int = 1, *, recognises: Mapping["State", int] | None = None, **changed: Any) -> Json:
        """Return this authority's file; `recognises`: other authority -> how many more it may bring in."""
        document = payload({self.issuer: [accreditation([self.cred_def], **changed)]}, version=version)
        answer = json.loads(json.dumps(document).replace(document["author"], str(self.did)))
        answer |= {"id": f"file-{self.name}", "name": f"Skills {self.name}"}
        others = recognises or {}
        answer["trusted_governance"] = [{"publisher": other.did, "uri": f"{other.url}/current.jws"} for other in others]
        entries = answer["participants"]["entries"]
        entries[PROFILE_STATEMENTS + "recognition.json"] = {
            other.did: {"recognitions": [recognition(f"{self.name}-{other.name}", onward)]}
            for other, onward in others.items()
        }
        return cast(Json, answer)


def recognition(name: str, onward: int, **changed: Any) -> Json:
    return {
        "id": name,
        "credential_types": ["qualification/1.0"],
        "occupations": ["C72"],
        "level_range": {"framework": "EQF", "min": "1", "max": "8"},
        "purposes": ["employment"],
        "jurisdictions": ["MLT"],
        "intervals": [{"start": "2020-01-01"}],
        "onward": onward,
        "decision": "https://authority.wanderbuch.test/decisions/1",
        "redress": "https://authority.wanderbuch.test/redress",
        **changed,
    }


@dataclass
class World:
    """What all of them serve, and the clock of who reads it."""

    now: datetime
    host: FileHost = field(default_factory=FileHost)
    keys: dict[DidUrl, Authority] = field(default_factory=dict)

    def state(self, name: str) -> State:
        made = State(name)
        self.keys[made.kid] = made
        return made

    async def resolve_key(self, url: DidUrl) -> bytes:
        if any(f"https://{WebvhDid.parse(url.did).host}".startswith(prefix) for prefix in self.host.unreachable):
            raise ResolutionError(f"could not reach the host of {url.did}")
        if url not in self.keys:
            raise GovernanceError(f"{url} does not stand in assertionMethod now")
        return await self.keys[url].resolve_key(url)

    async def publish(
        self, state: State, document: Json, *, parties: Sequence[Authority] = (), head: Head | None = None
    ) -> SignedGovernanceFile:
        """Sign a file and serve it, vouched for."""
        jws = await sign_file(json.dumps(document).encode(), state.kid, state.sign)
        for party in parties:
            jws = await co_sign(jws, party.kid, party.sign)
        signed = await self.signed(jws)
        self.host.files[f"{state.url}/current.jws"] = jws
        self.host.files[f"{state.url}/versions/{signed.file.version}.jws"] = jws
        await self.vouch(state, signed, head=head)
        return signed

    async def signed(self, jws: bytes) -> SignedGovernanceFile:
        return await verify_file(jws, author=None, resolve_key=self.resolve_key)

    async def vouch(self, state: State, signed: SignedGovernanceFile, *, head: Head | None = None) -> None:
        statement = FreshnessStatement.for_file(signed.ref, at=self.now, lifetime=timedelta(hours=1), history=head)
        self.host.files[f"{state.url}/freshness.jws"] = await sign_freshness(statement, state.kid, state.sign)

    def add_entry(self, state: State, signed: SignedGovernanceFile, why: str = "a decision") -> Head:
        """Write a version into the author's history, publish that, and return its head."""
        ref = signed.ref
        at = self.now.replace(microsecond=0)
        entry = HistoryEntry(len(state.entries), at, "perera", "publication", why, ref.version, ref.digest)
        state.entries.append(entry)
        self.host.files[f"{state.url}/history/entries.jsonl"] = write_entries(state.entries)
        return head_of([leaf_hash(entry.line) for entry in state.entries])

    def source(self, state: State, folder: Path | None = None) -> GovernanceSource:
        return GovernanceSource(
            GovernanceSourceConfig(url=state.url, author=state.did, folder=folder),
            edge=cast(HttpEdge, self.host),
            resolve_key=self.resolve_key,
            clock=lambda: self.now,
        )
