"""The history as lines: one canonical form, and only the entries that were signed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from wanderbuch.governance.signed.history import (
    Head,
    HistoryEntry,
    HistoryError,
    entries_match,
    head_of,
    read_entries,
    write_entries,
)
from wanderbuch.governance.signed.merkle import leaf_hash

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
FIRST = HistoryEntry(0, AT, "operator", "official-added", "begins on Monday", None, None)
SECOND = HistoryEntry(1, AT, "e.perera", "publication", "new centre in Galle: ගාල්ල", 1, "sha256:" + "0" * 64)
FILE = write_entries([FIRST, SECOND])
HEAD = head_of([leaf_hash(FIRST.line), leaf_hash(SECOND.line)])


def test_what_was_written_is_read_and_matches_the_signed_head() -> None:
    entries = read_entries(FILE, size=2)
    assert entries == [FIRST, SECOND]
    assert entries_match(entries, HEAD)


def test_a_head_signed_before_the_last_entry_is_about_the_first_ones() -> None:
    before = head_of([leaf_hash(FIRST.line)])
    assert entries_match(read_entries(FILE, size=1), before)
    assert not entries_match(read_entries(FILE, size=2), before)


def test_an_entry_that_was_changed_does_not_match() -> None:
    forged = write_entries([FIRST, replace(SECOND, who="somebody")])
    assert not entries_match(read_entries(forged, size=2), HEAD)
    assert not entries_match(read_entries(FILE, size=2), Head(2, "sha256:" + "0" * 64))


@pytest.mark.parametrize(
    "broken",
    [
        FILE[:-1],
        FILE.replace(b'"n":1', b'"n":2'),
        FILE.replace(b'"n":1', b'"n": 1'),
        FILE.replace(b'"n":1', b'"n":true'),
        FILE.replace(b'"version":1', b'"version":0'),
        FILE.replace(b'"version":1', b'"version":"1"'),
        FILE.replace(b'"who":"operator"', b'"who":null'),
        FILE.replace(b'"who":"operator"', b'"more":1,"who":"operator"'),
        FILE.replace(b"2026-11-22T09:00:00Z", b"2026-11-22T09:00:00+00:00"),
        FILE.replace(b"2026-11-22T09:00:00Z", b"2026-13-22T09:00:00Z"),
        FILE.replace(b"sha256:", b"sha512:"),
        b"[]\n[]\n",
        b"{\n}\n",
        b"",
    ],
)
def test_refuses_lines_that_are_not_entries_in_their_one_form(broken: bytes) -> None:
    with pytest.raises(HistoryError):
        read_entries(broken, size=2)
