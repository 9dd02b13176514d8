from wanderbuch.agents.runtime.gate.brake import LONGEST_S, Brake


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_somebody_who_is_refused_once_does_not_notice() -> None:
    assert Brake().refused(1_000) < 0.01


def test_the_more_is_refused_the_longer_each_waits_up_to_a_bound() -> None:
    brake = Brake(clock=Clock())
    waits = [brake.refused(1_000) for _ in range(2_000)]
    assert waits == sorted(waits)
    assert 0.5 < waits[200] < 2
    assert waits[-1] == LONGEST_S


def test_large_messages_weigh_more() -> None:
    assert Brake().refused(2 * 1024 * 1024) > 10 * Brake().refused(1_000)


def test_forgets_what_was_refused_long_ago() -> None:
    clock = Clock()
    brake = Brake(clock=clock)
    for _ in range(500):
        brake.refused(1_000)
    clock.now += 60
    assert brake.refused(1_000) < 0.01
