import errno
import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.webvh.publisher import (
    FolderPublisher,
    NewerFileError,
    NoPublisher,
    Publisher,
    content_type_of,
)


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


# Numbers


async def test_a_file_with_a_number_replaces_an_older_one_and_itself(publisher: FolderPublisher) -> None:
    for number, body in ((3, b"3"), (3, b"3 signed again"), (4, b"4"), (1 << 60, b"far")):
        await publisher.put("org/did.jsonl", body, "text/jsonl", number=number)
        assert await publisher.get("org/did.jsonl") == body
    assert [file.name for file in (publisher.folder / "org").iterdir()] == ["did.jsonl"]


async def test_a_late_writer_never_replaces_a_newer_file(publisher: FolderPublisher) -> None:
    await publisher.put("org/did.jsonl", b"5", "text/jsonl", number=5)
    late = FolderPublisher(publisher.folder)
    with pytest.raises(NewerFileError, match="it has the number 5, this one 4"):
        await late.put("org/did.jsonl", b"4", "text/jsonl", number=4)
    assert await late.get("org/did.jsonl") == b"5"
    await late.put("org/other.jsonl", b"4", "text/jsonl", number=4)  # each file has numbers of its own


async def test_who_removes_a_newer_file_may_go_back(publisher: FolderPublisher) -> None:
    await publisher.put("org/did.jsonl", b"5", "text/jsonl", number=5)
    (publisher.folder / "org/did.jsonl").unlink()
    await publisher.put("org/did.jsonl", b"4", "text/jsonl", number=4)
    with pytest.raises(NewerFileError):
        await publisher.put("org/did.jsonl", b"3", "text/jsonl", number=3)


async def test_a_damaged_number_keeps_nobody_from_publishing(publisher: FolderPublisher) -> None:
    await publisher.put("org/did.jsonl", b"5", "text/jsonl", number=5)
    (kept,) = (publisher.folder / ".numbers").iterdir()
    kept.write_bytes(b"")  # as a power cut may leave it
    await publisher.put("org/did.jsonl", b"6", "text/jsonl", number=6)
    assert int(kept.read_bytes()) == 6


async def test_a_number_outlives_a_write_that_failed_so_that_only_the_same_file_can_follow(
    publisher: FolderPublisher,
) -> None:
    await publisher.put("org/did.jsonl", b"4", "text/jsonl", number=4)
    (publisher.folder / "org/did.jsonl").unlink()
    (publisher.folder / "org/did.jsonl").mkdir()
    with pytest.raises(ConfigurationError, match="could not write"):
        await publisher.put("org/did.jsonl", b"5", "text/jsonl", number=5)
    (publisher.folder / "org/did.jsonl").rmdir()
    (publisher.folder / "org/did.jsonl").write_bytes(b"4")
    with pytest.raises(NewerFileError):
        await publisher.put("org/did.jsonl", b"4", "text/jsonl", number=4)
    await publisher.put("org/did.jsonl", b"5", "text/jsonl", number=5)


WRITER = """
import asyncio, sys
from pathlib import Path
from wanderbuch.plugins.webvh.publisher import FolderPublisher, NewerFileError

async def main():
    publisher, first = FolderPublisher(Path(sys.argv[1])), int(sys.argv[2])
    for number in range(first, 121, 3):
        try:
            await publisher.put("a/b", b"%d" % number * 500, "text/plain", number=number)
        except NewerFileError:
            pass

asyncio.run(main())
"""


def test_of_processes_that_write_at_once_the_greatest_number_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, str(first)]) for first in (1, 2, 3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert (tmp_path / "a/b").read_bytes() == b"120" * 500


async def test_a_process_that_was_stopped_while_it_wrote_is_named(
    publisher: FolderPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wanderbuch.plugins.webvh.publisher._LONGEST_WAIT_S", 0.1)
    await publisher.put("org/did.jsonl", b"4", "text/jsonl", number=4)
    (kept,) = (publisher.folder / ".numbers").iterdir()
    with kept.open("rb") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        with pytest.raises(ConfigurationError, match="another process has been writing"):
            await publisher.put("org/did.jsonl", b"5", "text/jsonl", number=5)
    await publisher.put("org/did.jsonl", b"5", "text/jsonl", number=5)


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
    sys.dont_write_bytecode = True  # half a file of compiled code would stay
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
    with pytest.raises(OSError, match="No space") as error, Path("/dev/full").open("wb", buffering=0) as full:
        full.write(b"x")
    assert error.value.errno == errno.ENOSPC


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
    with pytest.raises(ConfigurationError, match="no public folder") as error:
        await NoPublisher().put("org/did.jsonl", b"1", "text/jsonl")
    assert error.value.hint is not None
