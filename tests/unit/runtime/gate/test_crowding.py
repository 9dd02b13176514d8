from collections.abc import Sequence

import pytest

from wanderbuch.agents.runtime.gate.crowding import TakenPlace, gives_way


def places(text: str) -> Sequence[TakenPlace]:
    """Return places of networks that are single letters, oldest first; a capital one is worked on, "-" is unknown."""
    return [
        TakenPlace(str(number), letter.lower().replace("-", ""), may_go=letter.islower() or letter == "-")
        for number, letter in enumerate(text)
    ]


@pytest.mark.parametrize(
    ("taken", "newcomer", "gone"),
    [
        ("aaab", "c", "2"),  # the newest of who has most
        ("aaAb", "c", "1"),  # but none that is worked on
        ("AAAbb", "c", "4"),  # who has most and cannot give any gives none; the next one does
        ("aaabb", "b", None),  # one fewer than the others: they would change places for ever
        ("aaab", "b", "2"),
        ("aabb", "a", None),
        ("abc", "d", None),  # everybody has one
        ("---", "a", None),
        ("AAA", "b", None),
        ("", "a", None),
    ],
)
def test_who_has_most_gives_way_to_who_has_fewer(taken: str, newcomer: str, gone: str | None) -> None:
    assert gives_way(places(taken), newcomer) == gone


def test_many_networks_of_one_stranger_keep_no_other_out() -> None:
    flood = places("".join(letter * 30 for letter in "abcdefghijklmnopq"))
    assert gives_way(flood, "z") is not None


def test_what_is_old_goes_after_all_that_is_young_and_still_goes() -> None:
    """An operator's customers share an address, and came before the rush."""
    old = [TakenPlace(f"old{n}", "operator", may_go=True, is_old=True) for n in range(10)]
    rush = [TakenPlace(f"{name}{n}", name, may_go=True) for name in "abcdefghij" for n in range(3)]
    assert str(gives_way([*old, *rush], "z")).endswith("2"), "the newest of a network of the rush"
    assert gives_way(old, "z") == "old9"  # else whoever has patience takes all places for good
    assert gives_way([*old, *rush], "operator") is None


def test_a_hoard_of_long_ago_does_not_stand_behind_what_is_young() -> None:
    hoard = [TakenPlace(f"hoard{n}", "hoard", may_go=True, is_old=True) for n in range(80)]
    shared = [TakenPlace(f"young{n}", "shared", may_go=True) for n in range(20)]
    places, gone = [*hoard, *shared], list[str]()
    for newcomer in range(60):
        gone.append(str(gives_way(places, f"new{newcomer}")))
        places = [place for place in places if place.id != gone[-1]]
        places.append(TakenPlace(f"new{newcomer}", f"new{newcomer}", may_go=True))
    assert gone[:55] == [f"hoard{n}" for n in range(79, 24, -1)], "down to its quarter, the newest first"
    assert all(one.startswith("young") for one in gone[55:])
