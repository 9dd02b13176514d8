"""One authority's file: its parties, its history, its parts, and clocks that are wrong."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from acapy_agent.core.profile import Profile
from tests.memory_wallet import memory_wallet
from tests.unit.trust.ecosystem import digest, webvh
from tests.unit.trust.states import Json, State, World
from tests.welders import accreditation

from wanderbuch.governance.divided.division import divide, part_name
from wanderbuch.governance.facts.anoncreds_ids import CredDefId
from wanderbuch.governance.facts.snapshot import Freshness, GovernanceSnapshot
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION, PROFILE_STATEMENTS
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.governance.signed.history import Head, write_entries
from wanderbuch.governance.signed.signing import co_sign, combine, sign_as_party
from wanderbuch.plugins.trust.following.content_folder import ContentFolder, digest_of_content
from wanderbuch.plugins.trust.following.source import GovernanceSource, RefreshOutcome, RefreshReport
from wanderbuch.store.entries import fetch_entries


@pytest.fixture
def world(now: datetime) -> World:
    return World(now)


@pytest.fixture
def a(world: World) -> State:
    return world.state("a")


@pytest.fixture
async def profile() -> AsyncIterator[Profile]:
    opened = await memory_wallet()
    yield opened
    await opened.close()


def snapshot_of(source: GovernanceSource) -> GovernanceSnapshot:
    snapshot = source.snapshot()
    assert snapshot is not None
    return snapshot


def codes(report: RefreshReport) -> list[str]:
    return [reason.code for reason in report.reasons]


def with_parties(document: Json, threshold: int, *parties: State) -> Json:
    document["participants"]["entries"][PROFILE_STATEMENTS + "signatories.json"] = {
        document["author"]: {
            "threshold": threshold,
            "parties": [{"did": party.did, "name": party.name, "kind": "other"} for party in parties],
        }
    }
    return document


class TestConditionalRequests:
    async def test_what_did_not_change_is_not_sent_again(self, world: World, a: State) -> None:
        await world.publish(a, a.document())
        source = world.source(a)
        await source.refresh()
        sent = list(world.host.sent)
        assert (await source.refresh()).outcome is RefreshOutcome.UNCHANGED
        assert world.host.sent == sent

    async def test_what_was_refused_is_asked_for_in_full_again(self, world: World, a: State) -> None:
        await world.publish(a, a.document())
        source = world.source(a)
        await source.refresh()
        world.host.files[f"{a.url}/freshness.jws"] = b"not a statement"
        for _ in range(2):
            assert codes(await source.refresh()) == ["governance.refused"]


class TestParties:
    async def test_a_new_version_needs_the_parties_of_the_one_held(self, world: World, a: State) -> None:
        union = world.state("union")
        await world.publish(a, with_parties(a.document(), 2, a, union), parties=[union])
        source = world.source(a)
        await source.refresh()
        await world.publish(a, a.document(2))
        report = await source.refresh()
        assert "governance.refused" in codes(report)
        assert snapshot_of(source).file.version == 1

    async def test_versions_that_were_missed_are_gone_through(self, world: World, a: State) -> None:
        one, two = world.state("one"), world.state("two")
        await world.publish(a, with_parties(a.document(1), 2, a, one), parties=[one])
        source = world.source(a)
        await source.refresh()
        second = with_parties(a.document(2), 2, a, two)
        jws = await self._hand_over(world, a, second, one, two)
        world.host.files[f"{a.url}/versions/2.jws"] = jws
        await world.publish(a, with_parties(a.document(4), 2, a, two), parties=[two])
        assert (await source.refresh()).outcome is RefreshOutcome.UPDATED
        assert snapshot_of(source).file.version == 4

    async def test_a_missed_version_that_its_parties_did_not_sign_stops_there(self, world: World, a: State) -> None:
        one, two = world.state("one"), world.state("two")
        await world.publish(a, with_parties(a.document(1), 2, a, one), parties=[one])
        source = world.source(a)
        await source.refresh()
        await world.publish(a, with_parties(a.document(2), 2, a, two), parties=[two])  # without `one`
        await world.publish(a, with_parties(a.document(3), 2, a, two), parties=[two])
        assert "governance.refused" in codes(await source.refresh())
        assert snapshot_of(source).file.version == 1

    async def _hand_over(self, world: World, a: State, document: Json, *parties: State) -> bytes:
        body = json.dumps(document).encode()
        previous = parse_file(json.dumps(with_parties(a.document(1), 2, a, *parties)).encode())
        return combine([await sign_as_party(body, p.kid, p.sign, previous=previous) for p in (a, *parties)])


class TestHistory:
    async def publish(self, world: World, a: State, version: int) -> Head:
        world.now += timedelta(seconds=1)
        signed = await world.publish(a, a.document(version))
        head = world.add_entry(a, signed)
        await world.vouch(a, signed, head=head)
        return head

    async def test_a_history_that_grows_is_accepted(self, world: World, a: State) -> None:
        source = world.source(a)
        for version in (1, 2, 3):
            await self.publish(world, a, version)
            assert codes(await source.refresh()) == []
        assert snapshot_of(source).is_fresh(world.now)

    async def test_a_history_that_was_changed_takes_the_freshness(
        self, world: World, a: State, profile: Profile
    ) -> None:
        await self.publish(world, a, 1)
        source = world.source(a)
        await source.attach(profile)
        await source.refresh()
        good = world.host.files[f"{a.url}/freshness.jws"]
        a.entries[0] = replace(a.entries[0], why="another reason")
        await self.publish(world, a, 2)
        assert codes(await source.refresh()) == ["history.equivocation"]
        assert not snapshot_of(source).is_fresh(world.now)
        world.host.files[f"{a.url}/freshness.jws"] = good  # nor does the older statement help
        restarted = world.source(a)
        await restarted.attach(profile)
        await restarted.refresh()
        assert not snapshot_of(restarted).is_fresh(world.now)

    async def test_a_shorter_history_takes_the_freshness(self, world: World, a: State) -> None:
        await self.publish(world, a, 1)
        await self.publish(world, a, 2)
        source = world.source(a)
        await source.refresh()
        a.entries.pop(0)
        a.entries[0] = replace(a.entries[0], n=0)
        await self.publish(world, a, 3)
        a.entries.pop(0)
        signed = await world.signed(world.host.files[f"{a.url}/current.jws"])
        a.entries.clear()
        await world.vouch(a, signed, head=world.add_entry(a, signed))
        world.now += timedelta(seconds=1)
        assert codes(await source.refresh()) == ["history.equivocation"]

    async def test_a_history_that_is_no_longer_named_takes_the_freshness(self, world: World, a: State) -> None:
        await self.publish(world, a, 1)
        source = world.source(a)
        await source.refresh()
        world.now += timedelta(seconds=1)
        await world.vouch(a, await world.signed(world.host.files[f"{a.url}/current.jws"]))
        assert codes(await source.refresh()) == ["history.equivocation"]
        assert not snapshot_of(source).is_fresh(world.now)

    async def test_a_version_that_is_not_in_the_history_is_not_fresh(self, world: World, a: State) -> None:
        await self.publish(world, a, 1)
        signed = await world.publish(a, a.document(2))
        other = await world.signed(world.host.files[f"{a.url}/versions/1.jws"])
        await world.vouch(a, signed, head=world.add_entry(a, other))
        source = world.source(a)
        assert codes(await source.refresh()) == ["history.equivocation"]
        assert not snapshot_of(source).is_fresh(world.now)

    @pytest.mark.parametrize("cut", ["away", "short"])
    async def test_a_history_that_cannot_be_had_leaves_what_was_known(self, world: World, a: State, cut: str) -> None:
        await self.publish(world, a, 1)
        source = world.source(a)
        await source.refresh()
        before = snapshot_of(source).fresh_until
        world.now += timedelta(minutes=1)
        signed = await world.signed(world.host.files[f"{a.url}/current.jws"])
        await world.vouch(a, signed, head=world.add_entry(a, signed))
        if cut == "away":
            del world.host.files[f"{a.url}/history/entries.jsonl"]
        else:
            world.host.files[f"{a.url}/history/entries.jsonl"] = write_entries(a.entries[:1])
        report = await source.refresh()
        assert report.outcome is RefreshOutcome.UNREACHABLE
        assert snapshot_of(source).fresh_until == before


class TestParts:
    """Divided files: forty issuers, of whom one changes."""

    def serve(self, world: World, a: State, version: int, **last: object) -> tuple[Json, set[str]]:
        document = a.document(version)
        entries = document["participants"]["entries"]
        for number in range(40):
            did = webvh(f"issuer{number}") if version == 1 else self.dids[number]
            if version == 1:
                self.dids.append(did)
                self.cred_defs.append(CredDefId.of(did, digest()))
            changed = last if number == 39 else {}
            entries[DESCRIPTION][did] = {"name": f"Issuer {number}"}
            entries[ACCREDITATION][did] = {
                "accreditations": [accreditation([self.cred_defs[number]], id=f"acc-{number + 10}", **changed)]
            }
        root, parts = divide(json.loads(json.dumps(document)), 3)
        names = {f"{a.url}/{part_name(part)}" for part in parts}
        world.host.files |= {f"{a.url}/{part_name(part)}": body for part, body in parts.items()}
        return dict(root), names

    @pytest.fixture(autouse=True)
    def _issuers(self) -> None:
        self.dids: list[str] = []
        self.cred_defs: list[CredDefId] = []

    async def test_only_the_parts_that_changed_are_fetched(self, world: World, a: State, tmp_path: Path) -> None:
        root, first = self.serve(world, a, 1)
        await world.publish(a, root)
        source = world.source(a, tmp_path)
        assert codes(await source.refresh()) == []
        assert len(snapshot_of(source).file.accreditations) == 41
        assert set(world.host.sent) >= first
        world.host.sent.clear()
        root, second = self.serve(world, a, 2, occupations=["C51"])
        await world.publish(a, root)
        assert codes(await source.refresh()) == []
        assert {url for url in world.host.sent if "/parts/" in url} == second - first
        assert len(second - first) == 1
        assert snapshot_of(source).file.index.by_issuer[self.dids[39]][0].occupations == ("C51",)  # type: ignore[index]

    async def test_a_missing_part_leaves_the_version_before(self, world: World, a: State, tmp_path: Path) -> None:
        root, first = self.serve(world, a, 1)
        await world.publish(a, root)
        source = world.source(a, tmp_path)
        await source.refresh()
        root, second = self.serve(world, a, 2, occupations=["C51"])
        [changed] = second - first
        body = world.host.files.pop(changed)
        await world.publish(a, root)
        report = await source.refresh()
        assert "governance.unreachable" in codes(report)
        assert snapshot_of(source).file.version == 1
        assert not snapshot_of(source).is_fresh(world.now)  # its author says that there is a newer one
        world.host.files[changed] = body
        await source.refresh()
        assert (snapshot_of(source).file.version, snapshot_of(source).is_fresh(world.now)) == (2, True)

    @pytest.mark.parametrize("folder", [True, False])
    async def test_a_part_with_other_bytes_is_refused(
        self, world: World, a: State, tmp_path: Path, folder: bool
    ) -> None:
        root, first = self.serve(world, a, 1)
        await world.publish(a, root)
        name = min(first)
        world.host.files[name] = world.host.files[name].replace(b"C72", b"C51")
        source = world.source(a, tmp_path if folder else None)
        assert codes(await source.refresh()) == ["governance.refused"]
        assert source.snapshot() is None

    async def test_a_restarted_agent_reads_the_parts_it_kept(
        self, world: World, a: State, tmp_path: Path, profile: Profile
    ) -> None:
        root, _ = self.serve(world, a, 1)
        await world.publish(a, root)
        source = world.source(a, tmp_path)
        await source.attach(profile)
        await source.refresh()
        world.host.down = True
        restarted = world.source(a, tmp_path)
        await restarted.attach(profile)
        assert len(snapshot_of(restarted).file.accreditations) == 41
        async with profile.session() as session:
            kept = sum(len(entry.value) for entry in await fetch_entries(session, None))
        assert kept < 20_000  # the parts are not in the wallet

    async def test_the_parties_of_the_file_kept_have_a_say_also_when_its_parts_are_gone(
        self, world: World, a: State, profile: Profile
    ) -> None:
        union = world.state("union")
        root, _ = self.serve(world, a, 1)
        first = await world.publish(a, with_parties(root, 2, a, union), parties=[union])
        source = world.source(a)  # no folder: parts are in memory only
        await source.attach(profile)
        await source.refresh()
        assert snapshot_of(source).file.version == 1
        root, _ = self.serve(world, a, 2)
        await world.publish(a, root)
        restarted = world.source(a)
        await restarted.attach(profile)
        report = await restarted.refresh()
        assert "governance.refused" in codes(report)
        assert restarted.snapshot() is None
        alone = world.host.files[f"{a.url}/current.jws"]
        together = await co_sign(alone, union.kid, union.sign, previous=first.file)
        world.host.files[f"{a.url}/current.jws"] = together
        await restarted.refresh()
        assert snapshot_of(restarted).file.version == 2

    @pytest.mark.parametrize("loss", ["deleted", "damaged"])
    async def test_the_parties_of_a_large_file_have_a_say_also_when_it_is_lost(
        self, world: World, a: State, tmp_path: Path, profile: Profile, loss: str
    ) -> None:
        union = world.state("union")
        large = with_parties(a.document(), 2, a, union)
        many = {webvh(f"issuer{number}"): {"name": "x" * 150} for number in range(400)}
        large["participants"]["entries"][DESCRIPTION] |= many
        first = await world.publish(a, large, parties=[union])
        source = world.source(a, tmp_path)
        await source.attach(profile)
        await source.refresh()
        assert snapshot_of(source).file.version == 1
        kept = tmp_path / first.digest.removeprefix("sha256:")
        await asyncio.to_thread(kept.unlink if loss == "deleted" else lambda: kept.write_bytes(b"damaged"))
        await world.publish(a, a.document(2))
        restarted = world.source(a, tmp_path)
        await restarted.attach(profile)
        assert [party.did for party in restarted.before[a.did].signatories.parties] == [a.did, union.did]  # type: ignore[union-attr]
        report = await restarted.refresh()
        assert "governance.refused" in codes(report)
        assert restarted.snapshot() is None
        alone = world.host.files[f"{a.url}/current.jws"]
        together = await co_sign(alone, union.kid, union.sign, previous=first.file)
        world.host.files[f"{a.url}/current.jws"] = together
        await restarted.refresh()
        assert snapshot_of(restarted).file.version == 2
        await world.publish(a, a.document(3))  # version 2 names nobody any more
        await restarted.refresh()
        assert snapshot_of(restarted).file.version == 3

    async def test_a_damaged_part_is_fetched_again(
        self, world: World, a: State, tmp_path: Path, profile: Profile
    ) -> None:
        root, _ = self.serve(world, a, 1)
        await world.publish(a, root)
        source = world.source(a, tmp_path)
        await source.attach(profile)
        await source.refresh()
        await asyncio.to_thread(lambda: next(tmp_path.iterdir()).write_bytes(b"damaged"))
        restarted = world.source(a, tmp_path)
        await restarted.attach(profile)
        assert restarted.snapshot() is None
        await restarted.refresh()
        assert len(snapshot_of(restarted).file.accreditations) == 41


class TestClocks:
    async def test_a_clock_that_is_a_day_behind_trusts_nothing_and_says_so(self, world: World, a: State) -> None:
        await world.publish(a, a.document())
        world.now -= timedelta(days=1)
        source = world.source(a)
        report = await source.refresh()
        assert codes(report) == ["governance.refused"]
        assert "clock" in report.reasons[0].text
        assert snapshot_of(source).freshness(world.now) is Freshness.STALE

    async def test_a_clock_that_is_a_day_ahead_trusts_nothing_and_says_so(self, world: World, a: State) -> None:
        await world.publish(a, a.document())
        world.now += timedelta(days=1)
        source = world.source(a)
        report = await source.refresh()
        assert codes(report) == ["freshness.ended"]
        assert "clock" in report.reasons[0].text
        assert snapshot_of(source).freshness(world.now) is Freshness.STALE

    async def test_a_clock_that_is_set_back_makes_nothing_fresh_again(self, world: World, a: State) -> None:
        await world.publish(a, a.document())
        old = world.host.files[f"{a.url}/freshness.jws"]
        source = world.source(a)
        await source.refresh()
        world.now += timedelta(days=2)
        await world.vouch(a, await world.signed(world.host.files[f"{a.url}/current.jws"]))
        await source.refresh()
        world.now -= timedelta(days=2)
        world.host.files[f"{a.url}/freshness.jws"] = old
        assert codes(await source.refresh()) == ["governance.rollback"]
        assert not snapshot_of(source).is_fresh(world.now)


class TestContentFolder:
    async def test_removes_what_nobody_wants_after_a_grace(self, tmp_path: Path) -> None:
        folder, now = ContentFolder(tmp_path, grace=timedelta(days=7)), datetime.now(UTC)
        wanted, unwanted = digest_of_content(b"wanted"), digest_of_content(b"unwanted")
        await folder.put(b"wanted", wanted)
        await folder.put(b"unwanted", unwanted)
        await folder.sweep({wanted}, now + timedelta(days=6))
        assert await folder.get(unwanted) == b"unwanted"
        await folder.sweep({wanted}, now + timedelta(days=8))
        assert await folder.absent([wanted, unwanted]) == {unwanted}
