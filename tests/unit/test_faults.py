"""Of a programming error a log tells the text and the place; of what it was about, nothing."""

import asyncio
import datetime as dt
import enum
import functools
import json
import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, fields
from pydantic import BaseModel, TypeAdapter

from wanderbuch.errors import WanderbuchError
from wanderbuch.faults import describe, fault_place, fault_text
from wanderbuch.governance.facts.identifiers import Did


class Box:
    """Something to make mistakes with."""

    size = 1

    def __init__(self, first: object = None) -> None:
        self.first = first

    def take(self, first: object, *, second: object) -> None:
        """Do nothing."""

    @property
    def only(self) -> None:
        """Read only."""


class Colour(enum.Enum):
    RED = "red"


class Strict(BaseModel):
    age: int


def raised(by: Callable[[], object]) -> BaseException:
    try:
        by()
    except BaseException as err:  # noqa: BLE001
        return err
    raise AssertionError("nothing was raised")


def told(by: Callable[[], object]) -> str | None:
    return fault_text(raised(by))


def says(text: str) -> None:
    raise TypeError("expected a box, found something else") if text == "constant" else TypeError(text)


def no_such_name() -> object:
    return undefined  # type: ignore[name-defined]  # noqa: F821


def too_early() -> object:
    print(late)  # type: ignore[used-before-def]  # noqa: F821
    late = 1
    return late + 1


def deep(number: int = 0) -> int:
    return deep(number + 1)


def changing() -> None:
    things = {1: 1}
    for thing in things:
        things[thing + 1] = 1


def set_only() -> None:
    anything.only = 1


def asserted() -> None:
    if Box.size != 2:
        raise AssertionError("a box has two sides")


anything: Any = Box()


@pytest.mark.parametrize(
    ("by", "text"),
    [
        (lambda: list(anything), "'Box' object is not iterable"),
        (lambda: [value for value in anything], "'Box' object is not iterable"),  # noqa: C416
        (lambda: anything(), "'Box' object is not callable"),
        (lambda: anything[0], "'Box' object is not subscriptable"),
        (lambda: anything + 1, "unsupported operand type(s) for +: 'Box' and 'int'"),
        (lambda: -anything, "bad operand type for unary -: 'Box'"),
        (lambda: anything < 1, "'<' not supported between instances of 'Box' and 'int'"),
        (lambda: len(anything), "object of type 'Box' has no len()"),
        (lambda: {[]: 1}, "unhashable type: 'list'"),  # type: ignore[dict-item]
        (lambda: "a" + anything, 'can only concatenate str (not "Box") to str'),
        (lambda: anything.colour, "'Box' object has no attribute 'colour'"),
        (lambda: Box.colour, "type object 'Box' has no attribute 'colour'"),  # type: ignore[attr-defined]
        (set_only, "property 'only' of 'Box' object has no setter"),
        (lambda: anything.take(), "Box.take() missing 1 required positional argument: 'first'"),
        (lambda: anything.take(1), "Box.take() missing 1 required keyword-only argument: 'second'"),
        (lambda: anything.take(1, 2, 3), "Box.take() takes 2 positional arguments but 4 were given"),
        (lambda: anything.take(colour=1), "Box.take() got an unexpected keyword argument 'colour'"),
        (no_such_name, "name 'undefined' is not defined"),
        (too_early, "cannot access local variable 'late' where it is not associated with a value"),
        (lambda: [1][5], "list index out of range"),
        (lambda: operator.itemgetter(5)([1]), "list index out of range"),
        (lambda: json.dumps(anything), "Object of type Box is not JSON serializable"),
        (lambda: json.dumps({(1, 2): 1}), "keys must be str, int, float, bool or None, not tuple"),
        (lambda: b"".join(["a"]), "sequence item 0: expected a bytes-like object, str found"),  # type: ignore[list-item]
        (lambda: "%d" % anything, "%d format: a real number is required, not Box"),  # noqa: UP031
        (changing, "dictionary changed size during iteration"),
        (lambda: 1 // 0, "integer division or modulo by zero"),
        (lambda: dt.datetime.now() < dt.datetime.now(dt.UTC), None),  # noqa: DTZ005
        (lambda: says("constant"), "expected a box, found something else"),
        (asserted, "a box has two sides"),
    ],
)
def test_a_programming_error_is_told_in_full(by: Callable[[], object], text: str | None) -> None:
    if text is None:  # worded differently from one release of Python to the next: the words of this one
        text = str(raised(by))
    assert told(by) == text


def test_unpacking_and_recursion_are_told() -> None:
    def unpack() -> None:
        _, _ = [1]

    assert told(unpack) == "not enough values to unpack (expected 2, got 1)"
    assert str(told(deep)).startswith("maximum recursion depth exceeded")


async def test_an_error_inside_a_task_or_group_is_told() -> None:
    async def wrong() -> None:
        anything()

    with pytest.raises(ExceptionGroup) as group:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(wrong())
    assert describe(group.value).startswith(
        "ExceptionGroup from TypeError: 'Box' object is not callable at tests/unit/"
    )


def test_what_another_error_wraps_is_told_with_the_place_where_it_began() -> None:
    def wrapped() -> None:
        try:
            list(anything)
        except TypeError as err:
            raise WanderbuchError("no") from err

    text = describe(raised(wrapped))
    assert text.startswith("WanderbuchError from TypeError: 'Box' object is not iterable at tests/unit/test_faults.py:")
    assert text.endswith(" wrapped")


def test_the_place_is_the_innermost_of_ours_however_deep_the_library_goes() -> None:
    place = fault_place(raised(lambda: Did.parse(anything)))
    assert place is not None
    assert place.startswith("governance/facts/identifiers.py:")


SECRET = st.one_of(
    st.text(min_size=4, max_size=30).map(lambda text: f"Perera{text}"),
    st.integers(min_value=0).map(lambda number: f"perera{number:x}"),
    st.just("Perera, born 1995-03-12"),
    st.just("Perera' object is not iterable"),
)


def from_received(secret: str) -> list[Callable[[], object]]:
    """Return mistakes that a message from outside could set off, all about `secret`."""
    record: Any = {"name": "x"}

    def says_so() -> None:
        raise TypeError(f"'{secret}' object is not iterable")

    def says_it() -> None:
        raise TypeError(secret)

    def asserts() -> None:
        assert not secret, secret

    def key() -> None:
        raise KeyError(secret)

    def renamed() -> None:
        try:
            list(anything)
        except TypeError as err:
            err.args = (f"'int' object is not {secret}",)
            raise

    def chained() -> None:
        try:
            raise ValueError(secret)  # noqa: TRY301
        except ValueError:
            list(anything)

    class DerivedError(TypeError):
        pass

    def derived() -> None:
        raise DerivedError(secret)

    return [
        says_so,
        says_it,
        asserts,
        key,
        renamed,
        chained,
        derived,
        lambda: record[secret],
        lambda: record.pop(secret),
        lambda: getattr(anything, secret),
        lambda: getattr(Box, secret),
        lambda: delattr(anything, secret),
        lambda: operator.attrgetter(secret)(anything),
        lambda: operator.methodcaller(secret)(anything),
        lambda: anything.take(**{secret: 1}),
        lambda: print(**{secret: 1}),  # type: ignore[call-overload]
        lambda: functools.partial(anything.take, **{secret: 1})(1),
        lambda: int(secret),
        lambda: float(secret),
        lambda: Decimal(secret),
        lambda: Colour(secret),
        lambda: Colour[secret],
        lambda: dt.date.fromisoformat(secret),
        lambda: dt.datetime.strptime(secret, "%Y"),  # noqa: DTZ007
        lambda: json.loads(secret),
        lambda: secret.encode("ascii", "strict").decode("utf-16", "strict") + anything,
        lambda: bytes.fromhex(secret),
        lambda: ("{" + secret.replace("{", "").replace("}", "") + "}").format(a=1),
        lambda: f"%({secret.replace(')', '')})s" % {},
        lambda: __import__(secret),
        lambda: open(secret),  # noqa: PTH123
        lambda: Strict.model_validate({"age": secret}),
        lambda: Strict(**{"age": 1, secret: 2}).missing,  # type: ignore[attr-defined]
        lambda: TypeAdapter(int).validate_python(secret),
        lambda: Schema.from_dict({"age": fields.Int()})().load({"age": secret}),
        lambda: Did.parse(secret),
        lambda: secret(),  # type: ignore[operator]
        lambda: secret[secret],  # type: ignore[index]
        lambda: secret + 1,  # type: ignore[operator]
        lambda: {secret} + [secret],  # type: ignore[operator]
        lambda: [secret][7],
        lambda: next(iter([secret])).nothing,  # type: ignore[attr-defined]
    ]


@given(secret=SECRET)
def test_nothing_of_what_came_from_outside_is_told(secret: str) -> None:
    for by in from_received(secret):
        err = raised(by)
        text = describe(err)
        assert "perera" not in text.lower(), (text, by)
        assert "1995" not in text


def test_a_foreign_name_is_masked_and_the_rest_is_told() -> None:
    assert told(lambda: getattr(anything, "".join(["Per", "era"]))) == "'Box' object has no attribute '…'"
    keyword = {"".join(["Per", "era"]): 1}
    assert told(lambda: anything.take(1, **keyword)) == "Box.take() got an unexpected keyword argument '…'"


def test_an_error_that_was_never_raised_has_no_text() -> None:
    assert fault_text(TypeError("'int' object is not callable")) is None
    assert describe(TypeError("Perera")) == "TypeError"
