"""A bundle lets those without a network decide, says how old it is, and cannot lie."""

import io
import json
import struct
import zipfile
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from tests.unit.trust.ecosystem import FileHost, webvh
from tests.unit.trust.publishers import PublishedAuthority, PublishedCentre

from wanderbuch.governance.facts.question import DateSpan, Evidence, Requirement, Verdict
from wanderbuch.governance.facts.sources import AnonCredsSource, Binding
from wanderbuch.governance.facts.statuses import AnonCredsStatus
from wanderbuch.governance.signed.bundle import Bundle, BundleError, read_bundle_file, write_bundle_file
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.http.errors import NotFoundError, UnreachableError
from wanderbuch.plugins.http.replaying import FallbackEdge
from wanderbuch.plugins.trust.offline.bundling import decide_offline, open_bundle, write_bundle

REQUIREMENT = Requirement(occupation="C7212", jurisdiction="MLT", min_eqf_level=3)


@dataclass
class Country:
    """An authority, a centre, their hosts, and a folder for bundles."""

    authority: PublishedAuthority
    centre: PublishedCentre
    host: FileHost
    now: datetime
    path: Path

    async def write(self) -> Path:
        made = await write_bundle(
            self.authority.url,
            self.authority.did,
            edge=cast(HttpEdge, self.host),
            registries=[self.centre.registry_id],
            clock=lambda: self.now,
        )
        assert made.notes == ()
        self.path.write_bytes(made.body)
        return self.path

    @property
    def evidence(self) -> Evidence:
        return Evidence(
            issuer=self.centre.did,
            source=AnonCredsSource.of(self.centre.cred_def_id),
            credential_type="qualification/1.0",
            occupation="C7212",
            proven_eqf_level=3,
            framework="LK-NVQ",
            crosswalk_version="lk-nvq-2023",
            awarded=DateSpan(date(2024, 6, 10), date(2024, 6, 10)),
            expires_on=None,
            status=AnonCredsStatus.of(self.centre.registry_id),
            binding=Binding.LINK_SECRET,
        )


@pytest.fixture
async def country(tmp_path: Path) -> Country:
    now, host = datetime.now(UTC), FileHost()
    authority = PublishedAuthority("authority", host.files, at=now)
    centre = PublishedCentre("centre", host.files, at=now)
    await centre.open(at=now)
    await authority.open(centre, at=now)
    return Country(authority, centre, host, now, tmp_path / "facts.zip")


async def test_decides_without_a_network_and_says_how_old_the_facts_are(country: Country) -> None:
    path = await country.write()
    later = country.now + timedelta(minutes=50)
    facts = await open_bundle(path, author=country.authority.did, now=later)
    assert facts.notes == ()
    assert set(facts.schemas) == {country.centre.schema_id}
    assert set(facts.cred_defs) == {country.centre.cred_def_id}
    assert facts.status_lists[country.centre.registry_id].id == country.centre.list_id
    decision = decide_offline(facts, REQUIREMENT, country.evidence, now=later)
    assert decision.verdict is Verdict.TRUSTED
    assert "50 minutes old" in decision.reasons[-1].text
    excluded = replace(country.evidence, occupation="C5120")
    assert decide_offline(facts, REQUIREMENT, excluded, now=later).verdict is Verdict.NOT_TRUSTED
    assert await facts.resolve_key(country.authority.kid) == country.authority.key.get_public_bytes()


async def test_is_stale_once_its_author_no_longer_vouches_and_says_what_it_was(country: Country) -> None:
    path = await country.write()
    later = country.now + timedelta(days=3)
    facts = await open_bundle(path, author=country.authority.did, now=later)
    decision = decide_offline(facts, REQUIREMENT, country.evidence, now=later)
    assert decision.verdict is Verdict.STALE
    texts = {reason.code: reason.text for reason in decision.reasons}
    assert "3 days old" in texts["offline.age"]
    assert texts["offline.then"].endswith("TRUSTED.")


async def test_refuses_a_bundle_of_another_author(country: Country) -> None:
    path = await country.write()
    with pytest.raises(BundleError, match="found none"):
        await open_bundle(path, author=webvh("other"), now=country.now)


@pytest.mark.parametrize("changed", ["current.jws", "did.jsonl", "freshness.jws"])
async def test_what_was_changed_in_a_bundle_is_not_believed(country: Country, changed: str) -> None:
    bundle = read_bundle_file((await country.write()).read_bytes())
    files = dict(bundle.files)
    url = next(file for file in files if file.endswith(changed) and "authority" in file)
    middle = len(files[url]) // 2
    files[url] = files[url][:middle] + bytes([files[url][middle] ^ 1]) + files[url][middle + 1 :]
    country.path.write_bytes(write_bundle_file(replace(bundle, files=files)))
    if changed == "freshness.jws":
        facts = await open_bundle(country.path, author=country.authority.did, now=country.now)
        assert decide_offline(facts, REQUIREMENT, country.evidence, now=country.now).verdict is Verdict.STALE
    else:
        with pytest.raises(BundleError):
            await open_bundle(country.path, author=country.authority.did, now=country.now)


async def test_a_definition_that_was_changed_or_left_out_is_named(country: Country) -> None:
    bundle = read_bundle_file((await country.write()).read_bytes())
    url = country.centre.cred_def_id.resource.url
    forged = bundle.files[url].replace(b'"tag":"1"', b'"tag":"2"')
    assert forged != bundle.files[url]
    for files in ({**bundle.files, url: forged}, {u: body for u, body in bundle.files.items() if u != url}):
        country.path.write_bytes(write_bundle_file(replace(bundle, files=files)))
        facts = await open_bundle(country.path, author=country.authority.did, now=country.now)
        assert facts.cred_defs == {}
        assert country.centre.cred_def_id in facts.notes[0].text


async def test_makes_no_bundle_of_what_is_not_fresh(country: Country) -> None:
    country.now += timedelta(hours=2)
    with pytest.raises(BundleError, match="fresh"):
        await country.write()


class TestFormat:
    BUNDLE = Bundle(
        webvh("authority"),
        "https://authority.wanderbuch.test/g",
        datetime(2026, 11, 22, tzinfo=UTC),
        (),
        {"https://authority.wanderbuch.test/g/current.jws": b"one", "https://x.test/b": b"one"},
    )

    def rewritten(self, change: Any) -> bytes:
        """Return the bundle with its names and contents changed by `change`."""
        with zipfile.ZipFile(io.BytesIO(write_bundle_file(self.BUNDLE))) as packed:
            contents = [(info.filename, packed.read(info)) for info in packed.infolist()]
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as packed:
            for name, body in change(contents):
                packed.writestr(name, body)
        return archive.getvalue()

    def manifest(self, **changed: Any) -> bytes:
        def change(contents: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
            document = json.loads(contents[0][1]) | changed
            return [
                ("manifest.json", json.dumps(document, sort_keys=True, separators=(",", ":")).encode()),
                *contents[1:],
            ]

        return self.rewritten(change)

    def test_what_is_written_is_read_and_always_the_same_bytes(self) -> None:
        written = write_bundle_file(self.BUNDLE)
        assert read_bundle_file(written) == self.BUNDLE
        assert write_bundle_file(read_bundle_file(written)) == written
        assert read_bundle_file(self.manifest()) == self.BUNDLE

    def test_refuses_every_other_form(self) -> None:
        name = "files/" + "0" * 64
        others = [
            b"",
            b"not a zip",
            write_bundle_file(self.BUNDLE)[:-30],
            self.rewritten(lambda members: members[1:]),
            self.rewritten(lambda members: [*members, (name, b"more")]),
            self.rewritten(lambda members: [*members, ("../evil", b"more")]),
            self.rewritten(lambda members: members[:1]),
            self.rewritten(lambda members: [members[0], (members[1][0], b"two")]),
            self.rewritten(lambda members: [members[0], (members[1][0], b"longer")]),
            self.rewritten(lambda members: [("manifest.json", b" " + members[0][1]), *members[1:]]),
            self.manifest(format="wanderbuch-bundle/2.0"),
            self.manifest(author="nobody"),
            self.manifest(more=1),
            self.manifest(files=[]),
            self.manifest(made_at="2026"),
            self.manifest(registries=["x"]),
            self.manifest(url="http://authority.wanderbuch.test/g"),
            self.manifest(url="https://"),
            self.manifest(url="https://a b"),
            self.manifest(url="https://a\n"),
            self.manifest(url="https://" + "a" * 2001),
        ]
        for other in others:
            with pytest.raises(BundleError):
                read_bundle_file(other)

    def test_takes_addresses_up_to_the_bound(self) -> None:
        longest = "https://" + "a" * 2000
        assert read_bundle_file(self.manifest(url=longest)).url == longest

    def test_refuses_a_file_that_unpacks_to_more_than_it_says(self) -> None:
        archive = bytearray(write_bundle_file(replace(self.BUNDLE, files={"https://x.test/b": b"0" * 5_000_000})))
        assert len(archive) < 10_000
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            info = packed.infolist()[1]
        size = (5_000_000).to_bytes(4, "little")
        archive[:] = archive.replace(size, (3).to_bytes(4, "little"))
        assert info.file_size == 5_000_000
        with pytest.raises(BundleError):
            read_bundle_file(bytes(archive))


class TestFallback:
    CLOSED = HttpEdgeConfig(connect=ConnectionMap.parse(["a.wanderbuch.test:443=127.0.0.1:1"]))

    def edge(self) -> FallbackEdge:
        return FallbackEdge(self.CLOSED, {"https://a.wanderbuch.test/x": b"kept"}, recorded_at=datetime.now(UTC))

    async def test_serves_what_was_recorded_where_the_network_is_away(self) -> None:
        async with FallbackEdge(
            self.CLOSED, {"https://a.wanderbuch.test/x": b"kept"}, recorded_at=datetime.now(UTC)
        ) as edge:
            assert not edge.serves_recording(datetime.now(UTC))
            fetched = await edge.get("https://a.wanderbuch.test/x", max_bytes=10, timeout_s=5, etag='"1"')
            assert (fetched.status, fetched.body) == (200, b"kept")
            assert edge.serves_recording(datetime.now(UTC))
            assert not edge.serves_recording(datetime.now(UTC) + timedelta(hours=1))
            with pytest.raises(UnreachableError):
                await edge.get("https://a.wanderbuch.test/y", max_bytes=10, timeout_s=5)

    async def test_what_a_host_says_is_not_replaced(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def gone(*_: Any, **__: Any) -> Any:
            raise NotFoundError("gone", status=404)

        monkeypatch.setattr(HttpEdge, "get", gone)
        async with FallbackEdge(
            self.CLOSED, {"https://a.wanderbuch.test/x": b"kept"}, recorded_at=datetime.now(UTC)
        ) as edge:
            with pytest.raises(NotFoundError):
                await edge.get("https://a.wanderbuch.test/x", max_bytes=10, timeout_s=5)


def test_a_directory_of_more_entries_than_files_are_allowed_is_refused_before_it_is_read() -> None:
    entry = b"PK\x01\x02" + bytes(42)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 10, 10, len(entry) * 10, 0, 0)
    with pytest.raises(BundleError, match="at most 2 files"):
        read_bundle_file(entry * 10 + end, max_files=2)
