"""What was written since something was read: never missed, whatever is forgotten."""

from typing import ClassVar

from wanderbuch.store.at_hand import AtHand, Parts
from wanderbuch.store.changes import Changes
from wanderbuch.store.record import Record


def test_a_write_to_one_name_is_no_write_to_another() -> None:
    changes = Changes()
    changes.note("one")
    since = changes.count
    changes.note("two")
    assert changes.count == 2
    assert not changes.came("one", since)
    assert changes.came("two", since)
    assert changes.came("one", 0)
    assert not changes.came("three", 0)


def test_a_write_to_any_name_is_one_to_each() -> None:
    changes = Changes()
    since = changes.count
    changes.note(None)
    assert changes.came("one", since)
    assert not changes.came("one", changes.count)


def test_of_names_that_are_forgotten_the_last_write_that_may_have_been_theirs_counts() -> None:
    changes = Changes(most=2)
    for name in ("one", "two", "three", "four"):  # one and two are forgotten
        changes.note(name)
    assert [changes.came("one", since) for since in range(5)] == [True, True, False, False, False]
    assert [changes.came("never", since) for since in range(5)] == [True, True, False, False, False]
    assert [changes.came("four", since) for since in range(5)] == [True, True, True, True, False]
    changes.note("three")  # which is written again, and is not the next that goes
    changes.note("five")
    assert not changes.came("never", 4)
    assert changes.came("four", 3)
    assert changes.came("three", 4)


class _Exchange(Record):
    category: ClassVar[str] = "test.exchange"


def test_parts_are_whole_unless_something_came_to_them_while_they_were_read() -> None:
    at_hand: AtHand[_Exchange] = AtHand()
    for name, is_whole in (("other", True), ("one", False)):
        since = at_hand.changes
        at_hand.note(name, "taken", {})
        parts = Parts(_Exchange(id="one"), {})
        at_hand.keep(parts, most=8, since=since)
        assert parts.is_whole is is_whole
    at_hand.forget("one", is_in_doubt=True)
    parts = Parts(_Exchange(id="one"), {})
    at_hand.keep(parts, most=8, since=at_hand.changes)
    assert not parts.is_whole
