"""The public files of an issuer that closes are served on by another: each checked, none lost, nothing taken back."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.http.tls_host import PrivateAuthority, TlsHost, tls_host
from tests.unit.webvh.conftest import HOST, Issuer
from tests.unit.webvh.foreign_log import ForeignLog

from wanderbuch.errors import ConfigurationError, WanderbuchError
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.webvh import public_copies
from wanderbuch.plugins.webvh.copy_sources import CopySource, HandedFolder, LiveSite
from wanderbuch.plugins.webvh.dids import create_did, rotate_assertion_key
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.errors import ShortenedHistoryError
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory
from wanderbuch.plugins.webvh.objects import AttestedObjects
from wanderbuch.plugins.webvh.public_copies import PublicCopy, take_over
from wanderbuch.plugins.webvh.publisher import FolderPublisher


async def taken(issuer: Issuer, source: CopySource, target: Path) -> public_copies.CopyReport:
    return await take_over(PublicCopy(issuer.did, source), issuer.did, FolderPublisher(target))


def files_in(folder: Path) -> dict[str, bytes]:
    """Everything that is served."""
    paths = (path for path in folder.rglob("*") if path.is_file() and ".numbers" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


async def test_a_verifier_finds_all_at_the_new_place(
    issuer: Issuer, authority: PrivateAuthority, edge: HttpEdge, tmp_path: Path
) -> None:
    await issuer.revoke(3)
    await rotate_assertion_key(issuer.profile, issuer.did, publisher=issuer.publisher)
    await issuer.revoke(5)
    folders = {"folder": tmp_path / "of-folder", "site": tmp_path / "of-site"}
    sources: dict[str, CopySource] = {
        "folder": HandedFolder(issuer.publisher.folder),
        "site": LiveSite(edge, issuer.did),
    }
    for name, source in sources.items():
        report = await taken(issuer, source, folders[name])
        assert (report.registries, report.status_lists, report.elsewhere) == (1, 3, ()), name
        assert report.definitions == (issuer.cred_def_id,), name
        assert report.version_id.startswith("3-"), name
        assert await taken(issuer, source, folders[name]) == report, name  # the same again changes nothing
        assert files_in(folders[name]) == files_in(issuer.publisher.folder), name
        assert report.files == len(files_in(folders[name])), name
    async with tls_host(authority, HOST, folders["folder"]) as new_place, new_place.edge() as reach:
        memory = InMemoryLogMemory()
        objects = AttestedObjects(reach, WebvhDocuments(reach, memory), memory)
        bits = (await objects.status_list(issuer.registry_id)).content["revocationList"]
        assert [index for index, bit in enumerate(bits) if bit] == [3, 5]
        assert (await objects.credential_definition(issuer.cred_def_id)).content["schemaId"] == issuer.schema_id
        assert (await objects.schema(issuer.schema_id)).content["version"] == "1.0"
        tails = await reach.get(issuer.definition.value.tails_location, max_bytes=1 << 20, timeout_s=5)
        assert len(tails.body) > 1000


def _change(path: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content))


def _linked(path: Path, target: Path) -> None:
    """Put a link in the place of a file or a folder."""
    path.rename(path.with_name("moved"))
    path.symlink_to(target)


def _piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


async def test_one_file_that_is_missing_or_wrong_and_nothing_is_served(issuer: Issuer, tmp_path: Path) -> None:
    await issuer.revoke(3)
    whole = issuer.publisher.folder
    org = Path("org")
    registry = issuer.file(issuer.registry_id).relative_to(whole)
    links = json.loads((whole / registry).read_bytes())["links"]
    lists = [issuer.file(link["id"]).relative_to(whole) for link in links]
    definition = issuer.file(issuer.cred_def_id).relative_to(whole)
    tails = next((whole / "org/tails").iterdir()).relative_to(whole)

    def cut(text: bytes) -> bytes:
        return text[: len(text) // 2]

    cases: dict[str, Callable[[Path], object]] = {
        "no list of registries": lambda at: (at / org / "registries.json").unlink(),
        "an empty list of registries": lambda at: (at / org / "registries.json").write_text('{"registries": []}'),
        "no log": lambda at: (at / org / "did.jsonl").unlink(),
        "half a log": lambda at: (at / org / "did.jsonl").write_bytes(cut((whole / org / "did.jsonl").read_bytes())),
        "no registry": lambda at: (at / registry).unlink(),
        "no first list": lambda at: (at / lists[0]).unlink(),
        "no newest list": lambda at: (at / lists[1]).unlink(),
        "another list in its place": lambda at: shutil.copy(whole / lists[0], at / lists[1]),
        "a list without its revocation": lambda at: _change(
            at / lists[1], lambda one: one["content"]["revocationList"].__setitem__(3, 0)
        ),
        "a registry without its newest link": lambda at: _change(at / registry, lambda one: one["links"].pop()),
        "no definition": lambda at: (at / definition).unlink(),
        "another key in the definition": lambda at: _change(
            at / definition, lambda one: one["content"]["value"]["primary"].__setitem__("n", "1")
        ),
        "no tails": lambda at: (at / tails).unlink(),
        "half of the tails": lambda at: (at / tails).write_bytes(cut((whole / tails).read_bytes())),
        "larger tails than may be": lambda at: (at / tails).write_bytes(b"x" * 100_000),
        "a registry of another DID": lambda at: (at / org / "registries.json").write_text(
            json.dumps({"registries": [issuer.registry_id.replace("did:webvh:Qm", "did:webvh:QmQ", 1)[:-1]]})
        ),
        "a link out of the folder": lambda at: _linked(at / org / "did.jsonl", whole / org / "did.jsonl"),
        "a folder that is a link": lambda at: _linked(at / org / "resources", whole / org / "resources"),
        "a pipe": lambda at: _piped(at / registry),
        "a file without an end": lambda at: _linked(at / tails, Path("/dev/zero")),
        "a huge list of registries": lambda at: os.truncate(at / org / "registries.json", 1 << 40),
        "no JSON": lambda at: (at / org / "registries.json").write_text("{"),
    }
    served = []
    for name, spoil in cases.items():
        source, target = tmp_path / name, tmp_path / f"{name}, served"
        shutil.copytree(whole, source)
        spoil(source)
        try:
            await taken(issuer, HandedFolder(source), target)
        except WanderbuchError:
            if not files_in(target):
                continue
        served.append(name)
    assert served == []


async def test_an_older_copy_takes_no_revocation_back(issuer: Issuer, tmp_path: Path) -> None:
    older, newer, place = tmp_path / "older", tmp_path / "newer", tmp_path / "place"
    shutil.copytree(issuer.publisher.folder, older)
    await issuer.revoke(3)
    shutil.copytree(issuer.publisher.folder, newer)
    await taken(issuer, HandedFolder(older), place)  # what is newer may come later
    await taken(issuer, HandedFolder(newer), place)
    served = files_in(place)
    with pytest.raises(ShortenedHistoryError, match="newer, status lists"):
        await taken(issuer, HandedFolder(older), place)
    await rotate_assertion_key(issuer.profile, issuer.did, publisher=issuer.publisher)
    await taken(issuer, HandedFolder(issuer.publisher.folder), place)
    with pytest.raises(ShortenedHistoryError, match="the log of"):
        await taken(issuer, HandedFolder(newer), place)
    assert served.keys() == files_in(place).keys()


async def test_files_of_another_did_are_not_served_in_its_place(
    issuer: Issuer, other_wallet: Any, other_registry: Any, tmp_path: Path, host: TlsHost
) -> None:
    place = tmp_path / "place"
    await taken(issuer, HandedFolder(issuer.publisher.folder), place)
    other = FolderPublisher(tmp_path / "of-another")
    stranger = await create_did(
        other_wallet, host=HOST, path="org", didcomm_endpoint=None, publisher=other, prerotation=False
    )
    served = files_in(place)
    for did in (stranger, issuer.did):
        with pytest.raises(WanderbuchError):
            await take_over(PublicCopy(did, HandedFolder(other.folder)), did, FolderPublisher(place))
    assert files_in(place) == served


async def test_a_copy_is_bounded(issuer: Issuer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, bound in (("MOST_FILES", 3), ("MOST_BYTES", 1000)):
        with monkeypatch.context() as patch:
            patch.setattr(public_copies, name, bound)
            with pytest.raises(ConfigurationError, match="expected at most"):
                await taken(issuer, HandedFolder(issuer.publisher.folder), tmp_path / name)
        assert files_in(tmp_path / name) == {}


async def test_a_did_that_was_ended_is_not_served_on(tmp_path: Path) -> None:
    log = ForeignLog(place=f"{HOST}:org")
    log.add(parameters={"deactivated": True})
    source = FolderPublisher(tmp_path / "source")
    await source.put("org/did.jsonl", log.received, "text/jsonl")
    with pytest.raises(WanderbuchError, match="ended by its controller"):
        await PublicCopy(log.did, HandedFolder(source.folder)).check()
