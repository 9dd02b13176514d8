"""The file of a backup: what is not whole, was changed, or comes from somebody hostile, is refused in one line."""

import io
import json
import os
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from wanderbuch.agents.cli.backup.archive import VERSION, ArchiveError, Header, Writer
from wanderbuch.agents.cli.backup.archive_reading import BackupFile

KEY = "6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4sW"
HEADER = Header("tiny", "tiny.wanderbuch.test", "org", "sqlite", 1_790_000_000, "1.0", 2)
BLOCK = 512


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "whole.backup"
    writer = Writer(path, HEADER, KEY)
    writer.add_bytes("store/wallet.db", b"w" * 5000)
    writer.add_bytes("public/org/did.jsonl", b"log\n")
    writer.finish()
    return path


def rewritten(path: Path, change: Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None]) -> Path:
    target = path.with_name("changed.backup")
    with tarfile.open(path) as source, tarfile.open(target, "w") as changed:
        for member in source:
            file = source.extractfile(member)
            assert file is not None
            if (put := change(member, file.read())) is not None:
                put[0].size = len(put[1]) if put[0].isreg() else 0
                changed.addfile(put[0], io.BytesIO(put[1]) if put[0].isreg() else None)
    return target


def why_not(path: Path, key: str = KEY) -> str:
    def read() -> None:
        archive = BackupFile(path, key)
        archive.check_key()
        archive.verify()

    with pytest.raises(ArchiveError) as err:
        read()
    assert err.value.hint
    return err.value.message


def test_a_whole_backup_is_read_to_its_end(whole: Path) -> None:
    assert BackupFile(whole, KEY).header == HEADER
    assert [(member.name, b"".join(member.blocks())[:4]) for member in BackupFile(whole, KEY).members()] == [
        ("store/wallet.db", b"wwww"),
        ("public/org/did.jsonl", b"log\n"),
    ]


@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.7, 0.8])
def test_half_a_backup_is_refused(whole: Path, part: float) -> None:
    body = whole.read_bytes()
    end = body.index(b"end.json") + 512
    whole.write_bytes(body[: int(end * part)])
    assert "is not whole" in why_not(whole) or "no backup" in why_not(whole)


def test_a_backup_without_its_end_is_refused(whole: Path) -> None:
    changed = rewritten(whole, lambda member, body: None if member.name == "end.json" else (member, body))
    assert "is not whole" in why_not(changed)


def test_a_backup_without_one_of_its_files_is_refused(whole: Path) -> None:
    changed = rewritten(whole, lambda member, body: None if member.name.startswith("public") else (member, body))
    assert "is not whole" in why_not(changed)


def test_a_changed_byte_is_found(whole: Path) -> None:
    body = bytearray(whole.read_bytes())
    body[body.index(b"wwww") + 100] ^= 1
    whole.write_bytes(bytes(body))
    assert "it was changed after it was made" in why_not(whole)


def test_something_behind_the_end_is_refused(whole: Path) -> None:
    with tarfile.open(whole) as tar:
        names = tar.getnames()
    changed = rewritten(whole, lambda member, body: (member, body))
    assert BackupFile(changed, KEY).verify() == len(names) - 2
    with tarfile.open(changed, "a") as tar:
        tar.addfile(tarfile.TarInfo("public/more"), io.BytesIO(b""))
    assert "something stands behind its end" in why_not(changed)


@pytest.mark.parametrize(
    "name", ["../out", "/etc/passwd", "public/../../out", "elsewhere/file", "public/", "store/a b"]
)
def test_a_name_that_leaves_its_place_is_refused(whole: Path, name: str) -> None:
    def rename(member: tarfile.TarInfo, body: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if member.name.startswith("public"):
            member.name = name
        return member, body

    assert "has no place in one" in why_not(rewritten(whole, rename))  # found before its end, where the HMAC stands


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_what_is_no_plain_file_is_refused(whole: Path, kind: bytes) -> None:
    def link(member: tarfile.TarInfo, body: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if member.name.startswith("public"):
            member.type, member.linkname = kind, "store/wallet.db"
        return member, body

    assert "no backup that can be restored" in why_not(rewritten(whole, link))


def test_a_newer_format_and_what_is_no_backup_are_refused(whole: Path, tmp_path: Path) -> None:
    def newer(member: tarfile.TarInfo, body: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if member.name == "header.json":
            body = json.dumps({**json.loads(body), "version": VERSION + 1, "anything": 1}).encode()
        return member, body

    assert f"has the format {VERSION + 1}, this program reads format {VERSION}" in why_not(rewritten(whole, newer))
    assert "was made with another wallet key" in why_not(whole, "another")
    for name, body in (("empty", b""), ("text", b"nothing of ours\n" * 100)):
        (tmp_path / name).write_bytes(body)
        assert "it does not begin as one" in why_not(tmp_path / name)
    with tarfile.open(tmp_path / "foreign", "w") as tar:
        tar.addfile(tarfile.TarInfo("readme"), io.BytesIO(b""))
    assert "it does not begin as one" in why_not(tmp_path / "foreign")
    assert "cannot be read" in why_not(tmp_path / "nowhere")


def test_a_large_file_is_never_in_memory(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        for _ in range(64):
            file.write(os.urandom(1024 * 1024))
    tracemalloc.start()
    try:
        writer = Writer(tmp_path / "large.backup", HEADER, KEY)
        writer.add_file("store/wallet.db", large)
        writer.finish()
        for member in BackupFile(tmp_path / "large.backup", KEY).members():
            member.write_to(tmp_path / "again")
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert (tmp_path / "again").stat().st_size == large.stat().st_size


# Hostile ones


def header_of(kind: bytes, size: int, name: str = "public/org/did.jsonl") -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


def padded(body: bytes) -> bytes:
    return body + b"\0" * (-len(body) % BLOCK)


def extended(**keywords: str) -> bytes:
    """An extended header that says this."""
    records = b""
    for keyword, value in keywords.items():
        rest = f" {keyword.replace('__', '.')}={value}\n".encode()
        length = len(rest)
        while length != len(rest) + len(str(length)):
            length = len(rest) + len(str(length))
        records += str(length).encode() + rest
    return header_of(tarfile.XHDTYPE, len(records), "././@PaxHeader") + padded(records)


def spliced(path: Path, blocks: bytes) -> Path:
    """Put something between the header of a backup and its members."""
    body = path.read_bytes()
    with tarfile.open(path) as tar:
        tar.next()
        second = tar.next()
        assert second is not None
    target = path.with_name("hostile.backup")
    target.write_bytes(body[: second.offset] + blocks + body[second.offset :])
    return target


def test_an_extended_header_is_not_read_whole_whatever_its_size(whole: Path) -> None:
    size = 64 * 1024 * 1024
    hostile = spliced(whole, header_of(tarfile.XHDTYPE, size, "././@PaxHeader") + b"9" * size)
    tracemalloc.start()
    try:
        assert "an extended header of 67108864 bytes stands in it" in why_not(hostile)
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "keywords",
    [
        {"GNU__sparse__major": "1", "GNU__sparse__minor": "0", "GNU__sparse__realsize": "1099511627776"},
        {"GNU__sparse__map": "0,1", "GNU__sparse__size": "1099511627776"},
        {"path": "public/x", "linkpath": "/etc/passwd"},
        {"size": "-1"},
        {"hdrcharset": "BINARY"},
    ],
    ids=["sparse 1.0", "sparse 0.1", "a link", "a negative size", "a character set"],
)
def test_an_extended_header_that_says_more_than_name_and_size_is_refused(whole: Path, keywords: dict[str, str]) -> None:
    assert "no backup that can be restored" in why_not(spliced(whole, extended(**keywords)))


@pytest.mark.parametrize(
    "kind", [tarfile.GNUTYPE_SPARSE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE, tarfile.CONTTYPE, b"Z"]
)
def test_kinds_of_members_that_stand_for_more_than_their_bytes_are_refused(whole: Path, kind: bytes) -> None:
    hostile = spliced(whole, header_of(kind, 4) + padded(b"x\0\0\0"))
    assert "is no plain file" in why_not(hostile)


def test_a_chain_of_extended_headers_is_refused(whole: Path) -> None:
    assert "is no plain file" in why_not(spliced(whole, extended(path="public/x") * 5000))


@pytest.mark.parametrize("size", [b"\xff" * 12, b"\x80" + b"\x7f" * 11], ids=["below zero", "beyond every disk"])
def test_a_size_that_no_file_has_is_refused(whole: Path, size: bytes) -> None:
    header = bytearray(header_of(tarfile.REGTYPE, 0))
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    assert "is no plain file" in why_not(spliced(whole, bytes(header)))


def test_a_member_that_says_more_bytes_than_the_file_has_is_half(whole: Path) -> None:
    assert "is not whole" in why_not(spliced(whole, header_of(tarfile.REGTYPE, 10**12)))


@pytest.mark.parametrize("more", [b"x", b"\0" * 100_000], ids=["a byte", "zeros without end"])
def test_what_stands_behind_the_zeros_is_refused(whole: Path, more: bytes) -> None:
    with whole.open("ab") as file:
        file.write(more)
    assert "something stands behind its end" in why_not(whole)


def test_a_long_name_is_taken(tmp_path: Path) -> None:
    name = "public/" + "/".join("n" * 100 for _ in range(12))
    writer = Writer(tmp_path / "long.backup", HEADER, KEY)
    writer.add_bytes(name, b"x")
    writer.finish()
    (member,) = [
        (entry.name, b"".join(entry.blocks())) for entry in BackupFile(tmp_path / "long.backup", KEY).members()
    ]
    assert member == (name, b"x")


@pytest.mark.parametrize(
    "members",
    [
        {"host": "\x1b[2J"},
        {"role": 7},
        {"program": "9" * 300},
        {"made_at": "now"},
        {"made_at": 10**15},
        {"tables": True},
        {"columns": ["x"]},
        {"key_check": None},
        {"more": 1},
    ],
)
def test_a_header_that_says_something_else_is_refused_and_not_shown(whole: Path, members: dict[str, object]) -> None:
    def change(member: tarfile.TarInfo, body: bytes) -> tuple[tarfile.TarInfo, bytes]:
        if member.name == "header.json":
            body = json.dumps({**json.loads(body), **members}).encode()
        return member, body

    told = why_not(rewritten(whole, change))
    assert "its header is not in the right form" in told
    assert "\x1b" not in told


def test_what_is_no_plain_file_is_told_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is no plain file" in why_not(tmp_path / "pipe")
    assert "is no plain file" in why_not(tmp_path)


# Two that write


def test_two_backups_to_one_name_never_mix(tmp_path: Path) -> None:
    first = Writer(tmp_path / "one.backup", HEADER, KEY)
    with pytest.raises(ArchiveError, match="another backup is being written to"):
        Writer(tmp_path / "one.backup", HEADER, KEY)
    first.add_bytes("store/wallet.db", b"first")
    first.finish()
    first.abandon()
    assert BackupFile(tmp_path / "one.backup", KEY).verify() == 1
    with pytest.raises(ArchiveError, match="is there already"):
        Writer(tmp_path / "one.backup", HEADER, KEY)


def test_what_one_that_was_cut_off_left_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / ".one.backup.part").write_bytes(b"half" * 10_000)
    writer = Writer(tmp_path / "one.backup", HEADER, KEY)
    writer.add_bytes("store/wallet.db", b"x")
    writer.finish()
    assert BackupFile(tmp_path / "one.backup", KEY).verify() == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "one.backup"]


def test_a_link_in_place_of_the_growing_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / ".one.backup.part").symlink_to(tmp_path / "precious")
    with pytest.raises(ArchiveError, match="cannot be written"):
        Writer(tmp_path / "one.backup", HEADER, KEY)
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize("tables", [1, 3, 99])
def test_a_backup_of_other_tables_is_refused_with_the_version_that_restores_it(whole: Path, tables: int) -> None:
    who = ("tiny", "tiny.wanderbuch.test", "org")
    with pytest.raises(ArchiveError) as err:
        BackupFile.for_agent(whole, KEY, who=who, engine="sqlite", tables=tables)
    assert f"have the version 2, this program needs {tables}" in err.value.message
    assert err.value.hint == "restore it with Wanderbuch 1.0, then start the new version; nothing was changed"
    assert BackupFile.for_agent(whole, KEY, who=who, engine="sqlite", tables=2).header == HEADER
