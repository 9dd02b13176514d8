import errno
import subprocess
import sys
from pathlib import Path

import pytest

from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.webvh.publisher import FolderPublisher, NoPublisher, Publisher, content_type_of


@pytest.fixture
def publisher(tmp_path: Path) -> FolderPublisher:
    return FolderPublisher(tmp_path / "public")


async def test_publishes_and_replaces(publisher: FolderPublisher) -> None:
    assert await publisher.get("org/did.jsonl") is None
    await publisher.put("org/did.jsonl", b"1", "text/jsonl")
    await publisher.put("org/did.jsonl", b"2", "text/jsonl")
    assert await publisher.get("org/did.jsonl") == b"2"
    assert [file.name for file in (publisher.folder / "org").iterdir()] == ["did.jsonl"]


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../x", "org/../../x", "org//x", "org/.hidden", "org/x/", "org/a b", "a\\b", "a/" * 20]
)
async def test_refuses_a_path_that_leaves_the_folder_or_hides(publisher: FolderPublisher, path: str) -> None:
    with pytest.raises(ConfigurationError, match="relative path"):
        await publisher.put(path, b"x", "text/plain")
    with pytest.raises(ConfigurationError, match="relative path"):
        await publisher.get(path)


async def test_a_folder_is_not_a_file(publisher: FolderPublisher) -> None:
    await publisher.put("org/did.jsonl", b"1", "text/jsonl")
    assert await publisher.get("org") is None
    assert await publisher.get("org/did.jsonl/x") is None


async def test_a_file_in_the_way_is_one_clear_error(publisher: FolderPublisher) -> None:
    await publisher.put("org", b"1", "text/plain")
    with pytest.raises(ConfigurationError, match=r"could not write org/did\.jsonl"):
        await publisher.put("org/did.jsonl", b"1", "text/jsonl")


FULL = """
import asyncio, resource, signal, sys
from pathlib import Path
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.webvh.publisher import FolderPublisher

async def main():
    publisher = FolderPublisher(Path(sys.argv[1]))
    await publisher.put("a/b", b"old", "text/plain")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        await publisher.put("a/b", b"n" * 5000, "text/plain")
    except ConfigurationError as err:
        print(err.message)

asyncio.run(main())
"""


def test_a_write_that_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    # The limit on file sizes makes the operating system refuse in the middle of the write, as a full disk does.
    ran = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "could not write a/b" in ran.stdout
    assert [(file.name, file.read_bytes()) for file in (tmp_path / "a").iterdir()] == [("b", b"old")]


@pytest.mark.needs("full device")
def test_the_system_calls_a_full_disk_by_the_name_that_we_look_for() -> None:
    with pytest.raises(OSError, match="No space") as found, Path("/dev/full").open("wb", buffering=0) as full:
        full.write(b"x")
    assert found.value.errno == errno.ENOSPC


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("org/did.jsonl", "text/jsonl"),
        ("org/did-witness.json", "application/json"),
        ("org/resources/zQmX", "application/json"),
        ("org/tails/7Qen", "application/octet-stream"),
        ("governance/x/current.jws", "application/jose"),
        ("org/page.html", "application/octet-stream"),
    ],
)
def test_knows_the_media_type_of_each_public_file(path: str, kind: str) -> None:
    assert content_type_of(path) == kind


async def test_without_a_folder_nothing_is_published() -> None:
    assert isinstance(NoPublisher(), Publisher)
    with pytest.raises(ConfigurationError, match="no public folder") as found:
        await NoPublisher().put("org/did.jsonl", b"1", "text/jsonl")
    assert found.value.hint is not None
