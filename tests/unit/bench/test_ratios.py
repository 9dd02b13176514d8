import pytest
from tests.bench.ratios import in_all, median_of_ratios, quantile, without_idle


def test_ratio_is_the_median_of_the_rounds_ratios():
    ratio = median_of_ratios([30.0, 10.0, 20.0], [5.0, 4.0, 10.0])
    assert (ratio.above, ratio.below, ratio.value, ratio.n) == (20.0, 5.0, 2.5, 3)


def test_interval_of_equal_samples_is_a_point():
    ratio = median_of_ratios([6.0] * 30, [2.0] * 30)
    assert (ratio.low, ratio.high) == (3.0, 3.0)


def test_interval_holds_the_ratio_and_is_the_same_each_time():
    above, below = [float(number) for number in range(30, 60)], [float(number) for number in range(10, 40)]
    ratio = median_of_ratios(above, below)
    assert ratio.low < ratio.value < ratio.high
    assert ratio == median_of_ratios(above, below)


def test_rounds_are_resampled_whole():
    """A round that was slow for both leaves the ratio alone; samples drawn apart would spread it."""
    slow = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0] * 5
    ratio = median_of_ratios([3 * duration for duration in slow], slow)
    assert (ratio.low, ratio.high) == (3.0, 3.0)


@pytest.mark.parametrize(("above", "below"), [([], []), ([1.0], [1.0, 2.0]), ([1.0, 1.0], [1.0, 0.0])])
def test_refuses_samples_that_give_no_ratio(above: list[float], below: list[float]):
    with pytest.raises(ValueError, match="expected"):
        median_of_ratios(above, below)


def test_quantile_is_a_value_that_enough_do_not_exceed():
    ordered = [float(number) for number in range(1, 101)]
    assert [quantile(ordered, share) for share in (0.0, 0.025, 0.5, 0.975, 1.0)] == [1.0, 3.0, 50.0, 98.0, 100.0]


def test_idle_use_is_taken_off_but_never_below_nothing():
    assert without_idle(0.5, 2.0, 0.1) == pytest.approx(0.3)
    assert without_idle(0.1, 2.0, 0.1) == 0.0


def test_steps_add_up_round_by_round():
    assert in_all({"ask": [1.0, 2.0], "judge": [10.0, 20.0], "other": [5.0, 5.0]}, ["ask", "judge"]) == [11.0, 22.0]


def test_refuses_steps_of_different_rounds():
    with pytest.raises(ValueError, match="shorter"):
        in_all({"ask": [1.0, 2.0], "judge": [10.0]}, ["ask", "judge"])
