import pytest

from wanderbuch.agents.runtime.gate.budget import Budget, TooOftenError


class Timer:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_network_has_its_share_and_all_together_have_theirs() -> None:
    timer = Timer()
    budget = Budget(network_a_minute=2, all_a_minute=3, timer=timer)
    budget.take("a")
    budget.take("a")
    with pytest.raises(TooOftenError) as refused:
        budget.take("a")
    assert 0 < refused.value.wait_s <= 30
    budget.take("b")
    with pytest.raises(TooOftenError):
        budget.take("c")  # all together
    timer.now += refused.value.wait_s
    budget.take("a")


def test_a_slow_budget_still_gives_one_at_once() -> None:
    budget = Budget(network_a_minute=0.1, all_a_minute=0.1, timer=Timer())
    budget.take("a")
    with pytest.raises(TooOftenError, match="too often"):
        budget.take("a")


def test_who_is_patient_has_a_budget_of_the_day() -> None:
    """A DID costs nothing, what was sent stays for weeks: by the minute alone, one network took all places."""
    timer = Timer()
    budget = Budget(network_a_minute=60, all_a_minute=600, network_a_day=3, timer=timer)
    for _ in range(3):
        budget.take("a")
        timer.now += 60
    with pytest.raises(TooOftenError) as refused:
        budget.take("a")
    assert (refused.value.hint or "").endswith(" hours")
    budget.take("b")
    timer.now += refused.value.wait_s
    budget.take("a")
