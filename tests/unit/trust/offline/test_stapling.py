"""An issuer's own standing, handed over: believed for what its authority signed, while it is fresh, and no further."""

import json
import tracemalloc
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from tests.unit.trust.ecosystem import FileHost, digest, payload, webvh
from tests.unit.trust.publishers import PublishedAuthority, PublishedCentre
from tests.unit.trust.states import recognition
from tests.welders import accreditation

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.deciding.standing import standing
from wanderbuch.governance.divided.division import divide, part_name
from wanderbuch.governance.facts.anoncreds_ids import CredDefId
from wanderbuch.governance.facts.identifiers import Did, DidUrl
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION, PROFILE_STATEMENTS
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.governance.signed.bundle import BundleError, read_bundle_file, write_bundle_file
from wanderbuch.governance.signed.memory import RollbackError, SeenVersion
from wanderbuch.governance.signed.signing import sign_file, verify_file
from wanderbuch.governance.signed.stapling import MAX_STAPLE_BYTES, read_staple
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.following.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.trust.offline.stapling import make_staple, open_staple
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory


@dataclass
class Holder:
    """Somebody who holds the governance of an authority, and hands an issuer's standing on."""

    authority: PublishedAuthority
    centre: PublishedCentre
    host: FileHost
    now: datetime

    def source(self) -> GovernanceSource:
        edge = cast(HttpEdge, self.host)
        documents = WebvhDocuments(edge, InMemoryLogMemory(), lifetime_s=0)
        return GovernanceSource(
            GovernanceSourceConfig(url=self.authority.url, author=self.authority.did),
            edge=edge,
            resolve_key=documents.assertion_key,
            clock=lambda: self.now,
        )

    async def staple(self, issuer: Did | None = None) -> bytes:
        source = self.source()
        await source.refresh()
        about = issuer or self.centre.did
        return await make_staple(source, about, edge=cast(HttpEdge, self.host), now=self.now)

    async def open(self, staple: bytes, **changed: Any) -> GovernanceSnapshot:
        how: dict[str, Any] = {
            "issuer": self.centre.did,
            "author": self.authority.did,
            "seen": {},
            "before": {},
            "memory": InMemoryLogMemory(),
            "clock": lambda: self.now,
        }
        return await open_staple(staple, **how | changed)

    async def serve(self, authority: PublishedAuthority, document: dict[str, Any]) -> None:
        """Sign a document in the author's name, serve it and vouch for it."""
        readdressed = json.dumps(document).replace(document["author"], str(authority.did))
        jws = await sign_file(readdressed.encode(), authority.kid, authority.sign)
        self.host.files[f"{authority.url}/current.jws"] = jws

        async def own_key(_: DidUrl) -> bytes:
            return bytes(authority.key.get_public_bytes())

        await authority.vouch(await verify_file(jws, author=None, resolve_key=own_key), at=self.now)


@pytest.fixture
async def holder() -> Holder:
    now, host = datetime.now(UTC), FileHost()
    authority = PublishedAuthority("authority", host.files, at=now)
    centre = PublishedCentre("centre", host.files, at=now)
    await centre.open(at=now)
    await authority.open(centre, at=now)
    return Holder(authority, centre, host, now)


def verdict(snapshot: GovernanceSnapshot, issuer: Did, at: datetime) -> Verdict:
    asked: dict[str, Any] = {"occupation": "C7212", "jurisdiction": "MLT", "on": at.date(), "at": at}
    return standing(snapshot, issuer=issuer, **asked).verdict


async def test_tells_the_issuers_standing_without_a_network(holder: Holder) -> None:
    snapshot = await holder.open(await holder.staple())
    assert verdict(snapshot, holder.centre.did, holder.now) is Verdict.TRUSTED


async def test_is_refused_for_another_author_or_issuer(holder: Holder) -> None:
    staple = await holder.staple()
    with pytest.raises(GovernanceError):
        await holder.open(staple, author=webvh("other"))
    with pytest.raises(BundleError, match="says nothing"):
        await holder.open(staple, issuer=webvh("other"))
    with pytest.raises(BundleError, match="says nothing"):
        await holder.staple(webvh("other"))


async def test_is_refused_when_it_is_no_longer_fresh(holder: Holder) -> None:
    staple = await holder.staple()
    holder.now += timedelta(minutes=59)
    await holder.open(staple)
    holder.now += timedelta(minutes=2)
    with pytest.raises(BundleError, match="ended"):
        await holder.open(staple)


async def test_is_refused_when_a_newer_version_was_seen(holder: Holder) -> None:
    staple = await holder.staple()
    snapshot = await holder.open(staple)
    ref = snapshot.ref
    await holder.open(staple, seen={holder.authority.did: SeenVersion(ref.id, ref.version, ref.digest)})
    for seen in (
        SeenVersion(ref.id, ref.version + 1, ref.digest),
        SeenVersion(ref.id, ref.version, "sha256:" + "0" * 64),
    ):
        with pytest.raises((BundleError, RollbackError)):
            await holder.open(staple, seen={holder.authority.did: seen})


async def test_is_refused_where_the_parties_of_the_file_held_did_not_sign(holder: Holder) -> None:
    """Who has the authority's key alone cannot get past the parties by way of a holder."""
    document = payload({holder.centre.did: [accreditation([holder.centre.cred_def_id])]}, version=2)
    await holder.serve(holder.authority, document)
    staple = await holder.staple()
    dids = (document["author"], webvh("one"))
    others = [{"did": did, "name": "one of two", "kind": "other"} for did in dids]
    first = {**document, "version": 1, "participants": {**document["participants"]}}
    parties = {document["author"]: {"threshold": 2, "parties": others}}
    first["participants"]["entries"] = document["participants"]["entries"] | {
        PROFILE_STATEMENTS + "signatories.json": parties
    }
    file = parse_file(json.dumps(first).replace(document["author"], str(holder.authority.did)).encode())
    with pytest.raises(BundleError, match="parties"):
        await holder.open(staple, before={holder.authority.did: file})
    assert (await holder.open(staple)).file.version == 2


async def test_is_refused_where_its_did_log_is_older_than_the_one_seen(holder: Holder) -> None:
    memory = InMemoryLogMemory()
    await memory.accept(holder.authority.did, {1: "1-x", 2: "2-y"})
    with pytest.raises(BundleError, match="cannot be relied on"):
        await holder.open(await holder.staple(), memory=memory)


@pytest.mark.parametrize("name", ["current.jws", "freshness.jws", "did.jsonl"])
async def test_every_byte_counts(holder: Holder, name: str) -> None:
    bundle = read_staple(await holder.staple())
    files = dict(bundle.files)
    url = next(file for file in files if file.endswith(name))
    for changed in (files[url][:-9] + b"AAAAAAAA" + files[url][-1:], None):
        other = {u: body for u, body in {**files, url: changed}.items() if body is not None}
        with pytest.raises(GovernanceError):
            await holder.open(write_bundle_file(replace(bundle, files=other)))


async def test_holds_one_part_of_a_divided_file_and_answers_for_its_issuer_only(holder: Holder) -> None:
    document = payload({holder.centre.did: [accreditation([holder.centre.cred_def_id])]}, version=2)
    entries = document["participants"]["entries"]
    others = [webvh(f"other{number}") for number in range(30)]
    for number, did in enumerate(others):
        entries[DESCRIPTION][did] = {"name": f"Other {number}"}
        one = accreditation([CredDefId.of(did, digest())], id=f"acc-{number + 10}")
        entries[ACCREDITATION][did] = {"accreditations": [one]}
    readdressed = json.dumps(document).replace(document["author"], str(holder.authority.did))
    root, parts = divide(json.loads(readdressed), 4)
    holder.host.files |= {f"{holder.authority.url}/{part_name(part)}": body for part, body in parts.items()}
    await holder.serve(holder.authority, dict(root))
    staple = await holder.staple()
    assert len([url for url in read_staple(staple).files if "/parts/" in url]) == 1
    snapshot = await holder.open(staple)
    assert verdict(snapshot, holder.centre.did, holder.now) is Verdict.TRUSTED
    elsewhere = next(did for did in others if not snapshot.file.holds(did))
    assert verdict(snapshot, elsewhere, holder.now) is Verdict.UNKNOWN


async def test_carries_the_chain_of_recognition(holder: Holder) -> None:
    """Home recognises the middle, which recognises the authority of the centre."""
    home, middle = (PublishedAuthority(name, holder.host.files, at=holder.now) for name in ("home", "middle"))
    for state, other, onward in ((home, middle, 1), (middle, holder.authority, 0)):
        state.url = f"{state.did.base_url}/governance"
        own = webvh("own")
        document = payload({own: [accreditation([CredDefId.of(own, digest())])]})
        document |= {
            "id": f"file-{state.did.host}",
            "trusted_governance": [{"publisher": other.did, "uri": f"{other.did.base_url}/governance/current.jws"}],
        }
        document["participants"]["entries"][PROFILE_STATEMENTS + "recognition.json"] = {
            other.did: {"recognitions": [recognition(f"rec-{onward}", onward)]}
        }
        await holder.serve(state, document)
    abroad = Holder(home, holder.centre, holder.host, holder.now)
    snapshot = await abroad.open(await abroad.staple())
    assert set(snapshot.recognised) == {middle.did, holder.authority.did}
    assert verdict(snapshot, holder.centre.did, holder.now) is Verdict.TRUSTED


async def test_is_refused_when_it_is_too_large(holder: Holder) -> None:
    with pytest.raises(BundleError, match="at most"):
        await holder.open(b"P" * (MAX_STAPLE_BYTES + 1))
    bundle = read_bundle_file(await holder.staple())
    with pytest.raises(BundleError, match="registries"):
        await holder.open(write_bundle_file(replace(bundle, registries=(holder.centre.registry_id,))))


@pytest.mark.parametrize(
    "bomb", [{"https://a.example/x": bytes(32 << 20)}, {f"https://a.example/{n}": b"%d" % n for n in range(1100)}]
)
async def test_is_refused_when_it_unpacks_to_much_more_than_was_sent(holder: Holder, bomb: dict[str, bytes]) -> None:
    bundle = read_bundle_file(await holder.staple())
    received = write_bundle_file(replace(bundle, files={**bundle.files, **bomb}))
    assert len(received) < MAX_STAPLE_BYTES
    tracemalloc.start()
    with pytest.raises(BundleError, match="at most"):
        await holder.open(received)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 16 << 20
