import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def levels(value: object) -> int:
    if not isinstance(value, list | dict):
        return 0
    inside = value.values() if isinstance(value, dict) else value
    return 1 + max((levels(member) for member in inside), default=0)


@given(
    st.recursive(
        st.just(7), lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=2), inside)
    ),
    st.sampled_from([0, 3_000]),
)
def test_depth_is_counted_to_the_level_also_behind_much_that_is_shallow(value: object, shallow: int) -> None:
    together = [[]] * shallow + [value]
    document, deep = json.dumps(together).encode(), levels(together)
    assert read(document, max_bytes=100_000, max_depth=deep) == together
    with pytest.raises(StrictJsonError, match="nesting"):
        read(document, max_bytes=100_000, max_depth=deep - 1)


def test_a_member_that_stands_twice_among_very_many_is_found_at_once() -> None:
    members = b",".join(b'"%d":1' % number for number in range(200_000))
    began = time.process_time()
    with pytest.raises(StrictJsonError, match="'199999' twice"):
        read_strict_json(b"{" + members + b',"199999":2}', max_bytes=10_000_000, max_depth=2)
    assert time.process_time() - began < 5  # a count of each name takes the better part of an hour


@pytest.mark.parametrize(
    "document", [b"1.5", b"1e3", b"-0.0", b"4.50", b"2e-3", b"333333333.33333329", b"1E30", b"[1.0,2]"]
)
def test_reads_fractions_where_the_format_has_them(document: bytes) -> None:
    assert read_strict_json(document, max_bytes=100, max_depth=2, fractions=True) == json.loads(document)
    with pytest.raises(StrictJsonError, match="whole numbers only"):
        read(document)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"NaN", "NaN"),
        (b"-Infinity", "Infinity"),
        (b"1e400", "binary64"),
        (b"9007199254740992", r"2\^53"),
        (b"[1.5,9007199254740992]", r"2\^53"),
        (b"1" * 5000, r"2\^53"),
        (b"0." + b"1" * 70, "64 characters"),
        (b"1.", "line 1"),
        (b"01.5", "line 1"),
    ],
)
def test_refuses_numbers_also_where_fractions_are(document: bytes, words: str) -> None:
    with pytest.raises(StrictJsonError, match=words):
        read_strict_json(document, max_bytes=10_000, max_depth=2, fractions=True)


def test_digits_and_points_within_texts_are_no_numbers() -> None:
    value = {"url": "https://x.example/1.5e3", "9007199254740993": '12345678901234567890 \\" 1.5 [[[[[[ {{{'}
    assert read(json.dumps(value).encode()) == value


def test_the_place_of_a_mistake_is_told_and_no_value() -> None:
    with pytest.raises(StrictJsonError) as caught:
        read(b'{"a": 1,\n "salary": 4711.5}')
    assert "line 2, column 12" in caught.value.message
    assert "4711" not in caught.value.message


@pytest.mark.parametrize("text", ["{}", '"é"'])
def test_text_is_read_as_its_bytes(text: str) -> None:
    assert read_strict_json(text, max_bytes=10, max_depth=1) == json.loads(text)


def test_text_with_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(StrictJsonError, match="surrogate"):
        read_strict_json('"\ud800"', max_bytes=10, max_depth=1)


@pytest.mark.parametrize(
    "document",
    [b"[" * 100_000, b"]" * 100_000, b'{"a":' * 100_000, b"[{" * 50_000, b'"' + b"\\" * 100_001, b"[]" * 50_000],
    ids=["lists", "ends", "objects", "both", "backslashes", "pairs"],
)
def test_what_would_exhaust_a_parser_is_refused_in_no_time(document: bytes) -> None:
    began = time.process_time()
    with pytest.raises(StrictJsonError):
        read_strict_json(document, max_bytes=1_000_000, max_depth=16)
    assert time.process_time() - began < 2


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | st.text(),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
    max_leaves=20,
)


@given(value=JSON_VALUES, ensure_ascii=st.booleans(), indent=st.sampled_from([None, 1]))
def test_agrees_with_the_standard_library_on_everything_it_reads(
    value: object, ensure_ascii: bool, indent: int | None
) -> None:
    document = json.dumps(value, ensure_ascii=ensure_ascii, indent=indent).encode()
    assert read_strict_json(document, max_bytes=len(document), max_depth=50) == value


@given(
    document=st.lists(
        st.sampled_from(['"', "\\", "{", "}", "[", "]", ":", ",", '"a"', '"a":1', "1", "1.5", "e", "\\u", "d800", "\n"])
        | st.characters(),
        max_size=30,
    ).map("".join)
)
def test_whatever_comes_is_read_as_every_reader_does_or_refused(document: str) -> None:
    try:
        value = read_strict_json(document.encode(errors="surrogatepass"), max_bytes=1000, max_depth=5, fractions=True)
    except StrictJsonError:
        return
    pairs: list[int] = []

    def counted(members: list[tuple[str, object]]) -> dict[str, object]:
        pairs.append(len(members) - len(dict(members)))
        return dict(members)

    assert json.loads(document, object_pairs_hook=counted) == value
    assert not any(pairs)


@given(value=JSON_VALUES.filter(lambda value: isinstance(value, dict) and bool(value)), name=st.integers(min_value=0))
def test_a_member_twice_is_always_refused(value: dict[str, object], name: int) -> None:
    twice = sorted(value)[name % len(value)]
    text = json.dumps(value)
    document = f"{text[:-1]}, {json.dumps(twice)}: null}}"
    with pytest.raises(StrictJsonError, match="twice"):
        read_strict_json(document, max_bytes=len(document) * 4, max_depth=50)


NESTED = st.recursive(st.just([]) | st.just({}), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


def depth_of(value: object) -> int:
    if not isinstance(value, list | dict):
        return 0
    return 1 + max((depth_of(member) for member in (value.values() if isinstance(value, dict) else value)), default=0)


@given(NESTED)
def test_takes_just_the_depth_that_is_allowed(value: object) -> None:
    document, depth = json.dumps(value).encode(), depth_of(value)
    assert read(document, max_bytes=len(document), max_depth=depth) == value
    with pytest.raises(StrictJsonError, match="levels of nesting"):
        read(document, max_bytes=len(document), max_depth=depth - 1)


@pytest.mark.parametrize("before", [0, 1, 2_000, 100_000])
@pytest.mark.parametrize("levels", [1, 2, 5, 30, 40, 5_000])
def test_depth_counts_wherever_it_stands(before: int, levels: int) -> None:
    document = b"[" + b"[]," * before + b"[" * (levels - 1) + b"7" + b"]" * (levels - 1) + b"]"
    size = len(document)
    limit = max(levels, 2 if before else 1)
    with pytest.raises(StrictJsonError, match="levels of nesting"):
        read(document, max_bytes=size, max_depth=limit - 1)
    if levels < 100:
        assert read(document, max_bytes=size, max_depth=limit) is not None
