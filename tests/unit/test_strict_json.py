import json
import time

import pytest

from wanderbuch.strict_json import StrictJsonError, read_strict_json


def read(document: bytes, *, max_bytes: int = 1000, max_depth: int = 3) -> object:
    return read_strict_json(document, max_bytes=max_bytes, max_depth=max_depth)


@pytest.mark.parametrize(
    "value", [{}, [], "x", 0, -7, None, True, {"a": [1, {"b": 2}]}, "ශ්‍රී ලංකාව", "😀", 2**53 - 1, 1 - 2**53]
)
def test_reads_what_every_reader_understands(value: object) -> None:
    for document in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert read(document.encode()) == value


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b'{"a": 1, "a": 1}', "'a' twice"),
        (b'{"x": {"a": 1, "b": 2, "a": 3}}', "'a' twice"),
        (b'{"a": 1, "\\u0061": 1}', "'a' twice"),
        (b"1.0", "whole numbers"),
        (b"1e3", "whole numbers"),
        (b"NaN", "whole numbers"),
        (b"[Infinity]", "whole numbers"),
        (b"[-Infinity]", "whole numbers"),
        (b"9007199254740992", r"2\^53"),
        (b"-9007199254740992", r"2\^53"),
        (b"1" * 900, r"2\^53"),
        (b"[1,]", "line 1"),
        (b'{"a": 1,}', "line 1"),
        (b"{}{}", "line 1"),
        (b"", "line 1"),
        (b"{'a': 1}", "line 1"),
        (b'"a\nb"', "line 1"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'"\xff"', "position 1"),
        (b'"\xed\xa0\x80"', "UTF-8"),
        ("{}".encode("utf-16"), "UTF-8"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udc00": 1}', "surrogate"),
        (b"[[[[1]]]]", "nesting"),
        (b'{"a": [{"b": [1]}]}', "nesting"),
        (b"[" * 1000, "nesting|line 1"),
        (b"1" * 1001, "at most 1000 bytes"),
    ],
)
def test_refuses(document: bytes, words: str) -> None:
    with pytest.raises(StrictJsonError, match=words):
        read(document)


def test_refuses_depth_that_would_exhaust_the_stack() -> None:
    deep = b"[" * 200_000 + b"]" * 200_000
    with pytest.raises(StrictJsonError, match="nesting"):
        read(deep, max_bytes=1_000_000)


def test_a_scalar_has_no_depth() -> None:
    assert read(b"7", max_depth=0) == 7
    assert read(b"[[[1]]]", max_depth=3) == [[[1]]]


def test_a_member_that_stands_twice_among_very_many_is_found_at_once() -> None:
    members = b",".join(b'"%d":1' % number for number in range(200_000))
    began = time.process_time()
    with pytest.raises(StrictJsonError, match="'199999' twice"):
        read_strict_json(b"{" + members + b',"199999":2}', max_bytes=10_000_000, max_depth=2)
    assert time.process_time() - began < 5  # a count of each name takes the better part of an hour
