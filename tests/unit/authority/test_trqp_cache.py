from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.authority.trqp_site import FILE

from wanderbuch.agents.authority.trqp_cache import AnswerCache, KeptAnswer
from wanderbuch.governance.snapshot import GovernanceSnapshot
from wanderbuch.governance.trqp import QueryError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SNAPSHOT = GovernanceSnapshot(FILE, "sha256:" + "a" * 64, NOW + timedelta(hours=1))


class Asked:
    """Works answers out and counts how often."""

    def __init__(self, keep_until: datetime | None = NOW + timedelta(seconds=60)) -> None:
        self.keep_until = keep_until
        self.times = 0

    def __call__(self) -> KeptAnswer:
        self.times += 1
        return KeptAnswer(b"%d" % self.times, '"tag"', self.keep_until)


def test_the_same_question_is_worked_out_once_until_its_end() -> None:
    cache, asked = AnswerCache(), Asked()
    for seconds in (0, 30, 59):
        assert cache.answer("a", b"q", SNAPSHOT, NOW + timedelta(seconds=seconds), asked).body == b"1"
    assert cache.answer("a", b"q", SNAPSHOT, NOW + timedelta(seconds=60), asked).body == b"2"


def test_another_question_or_kind_or_snapshot_has_an_answer_of_its_own() -> None:
    cache, asked = AnswerCache(), Asked()
    other = GovernanceSnapshot(FILE, "sha256:" + "b" * 64, NOW + timedelta(hours=1))
    for kind, question, snapshot in (
        ("a", b"q", SNAPSHOT),
        ("b", b"q", SNAPSHOT),
        ("a", b"r", SNAPSHOT),
        ("a", b"q", other),
        ("a", b"q", SNAPSHOT),  # gone with the snapshot
    ):
        cache.answer(kind, question, snapshot, NOW, asked)
    assert asked.times == 5


def test_what_may_not_be_kept_is_not_kept() -> None:
    cache, asked = AnswerCache(), Asked(keep_until=None)
    assert [cache.answer("a", b"q", SNAPSHOT, NOW, asked).body for _ in range(2)] == [b"1", b"2"]
    assert cache.answer("a", b"q", SNAPSHOT, NOW, asked).seconds_left(NOW) == 0
    long = Asked()
    assert [cache.answer("a", b"q" * 2000, SNAPSHOT, NOW, long).body for _ in range(2)] == [b"1", b"2"]
    assert len(cache) == 0


def test_a_refusal_is_not_kept() -> None:
    cache = AnswerCache()

    def refuse() -> KeptAnswer:
        raise QueryError("malformed")

    with pytest.raises(QueryError):
        cache.answer("a", b"q", SNAPSHOT, NOW, refuse)
    assert cache.answer("a", b"q", SNAPSHOT, NOW, Asked()).body == b"1"


def test_the_table_does_not_grow_beyond_its_bound() -> None:
    cache, asked = AnswerCache(max_answers=10), Asked()
    for number in range(100):
        cache.answer("a", b"%d" % number, SNAPSHOT, NOW, asked)
    assert len(cache) == 10
    cache.answer("a", b"99", SNAPSHOT, NOW, asked)
    assert asked.times == 100
