from datetime import UTC, datetime, timedelta

from tests.unit.authority.trqp_site import FILE

from wanderbuch.agents.authority.trqp_cache import AnswerCache, KeptAnswer
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot

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


def answer(
    cache: AnswerCache, kind: str, question: bytes, snapshot: GovernanceSnapshot, at: datetime, asked: Asked
) -> KeptAnswer:
    """Do what the endpoint does."""
    kept = cache.kept(kind, question, snapshot, at)
    if kept is None:
        kept = asked()
        cache.keep(kind, question, snapshot, kept)
    return kept


def test_the_same_question_is_worked_out_once_until_its_end() -> None:
    cache, asked = AnswerCache(), Asked()
    for seconds in (0, 30, 59):
        assert answer(cache, "a", b"q", SNAPSHOT, NOW + timedelta(seconds=seconds), asked).body == b"1"
    assert answer(cache, "a", b"q", SNAPSHOT, NOW + timedelta(seconds=60), asked).body == b"2"


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
        answer(cache, kind, question, snapshot, NOW, asked)
    assert asked.times == 5


def test_what_may_not_be_kept_is_not_kept() -> None:
    cache, asked = AnswerCache(), Asked(keep_until=None)
    assert [answer(cache, "a", b"q", SNAPSHOT, NOW, asked).body for _ in range(2)] == [b"1", b"2"]
    assert answer(cache, "a", b"q", SNAPSHOT, NOW, asked).seconds_left(NOW) == 0
    long = Asked()
    assert [answer(cache, "a", b"q" * 2000, SNAPSHOT, NOW, long).body for _ in range(2)] == [b"1", b"2"]
    assert len(cache) == 0


def test_an_answer_that_was_overtaken_by_a_new_snapshot_is_not_kept() -> None:
    cache, asked = AnswerCache(), Asked()
    other = GovernanceSnapshot(FILE, "sha256:" + "b" * 64, NOW + timedelta(hours=1))
    cache.kept("a", b"q", other, NOW)
    cache.keep("a", b"q", SNAPSHOT, asked())
    assert len(cache) == 0
    assert cache.kept("a", b"q", other, NOW) is None


def test_the_table_does_not_grow_beyond_its_bound() -> None:
    cache, asked = AnswerCache(max_answers=10), Asked()
    for number in range(100):
        answer(cache, "a", b"%d" % number, SNAPSHOT, NOW, asked)
    assert len(cache) == 10
    answer(cache, "a", b"99", SNAPSHOT, NOW, asked)
    assert asked.times == 100
