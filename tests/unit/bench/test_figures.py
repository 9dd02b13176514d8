import json

import pytest
from tests.bench.errors import BenchError
from tests.bench.figures import FURTHER, OVER_CRYPTO, OVER_STOCK, Figures
from tests.bench.keys import KEYS, Key
from tests.bench.rounds import STEPS
from tests.bench.scaling import LockWaits

RAW = ("offer", "request", "issue", "store", "ask", "present", "verify")
STOCK = sorted({step for _, below in OVER_STOCK.values() for step in below})


def test_every_key_is_there_and_null_with_a_reason_where_nothing_was_measured():
    figures = Figures()
    figures.leave_out(KEYS, "no clock")
    written = figures.as_json()
    assert list(written) == [*KEYS, "details"]
    assert all(written[key] is None for key in KEYS)
    assert written["details"]["why_not"]["verifier_cpu_over_crypto"] == "no clock"


def test_ratios_are_worked_out_from_the_steps():
    figures = Figures()
    figures.compare(
        {step: [10.0] * 9 for step in STEPS}, {step: [5.0] * 9 for step in RAW}, {step: [20.0] * 9 for step in STOCK}
    )
    written = json.loads(json.dumps(figures.as_json()))
    assert written["issuer_cpu_over_crypto"] == 3.0
    assert written["issuer_issue_cpu_over_crypto"] == 2.0
    assert written["issuer_over_stock"] == 0.5
    assert written["details"]["keys"]["holder_present_cpu_over_crypto"]["interval_95"] == [2.0, 2.0]


def test_without_stock_only_its_keys_are_missing():
    figures = Figures()
    figures.compare({step: [10.0] for step in STEPS}, {step: [5.0] for step in RAW})
    assert figures.as_json()["verifier_over_stock"] is None
    assert figures.as_json()["verifier_cpu_over_crypto"] == 2.0


def test_a_figure_beyond_its_bar_is_told():
    figures = Figures()
    figures.take("issuer_kb_written", 20.0)
    figures.take("holder_kb_written", 30.1)
    assert figures.missed == ["holder_kb_written"]


def test_a_bar_may_be_a_least():
    assert Key("more", 1.7, at_least=True).holds(1.7)
    assert not Key("more", 1.7, at_least=True).holds(1.69)


def test_refuses_a_key_that_nobody_knows():
    with pytest.raises(KeyError):
        Figures().take("no_such_key", 1.0)


def test_every_step_compared_is_one_that_is_measured():
    for above, below in (*OVER_CRYPTO.values(), *FURTHER.values()):
        assert set(above) <= set(STEPS)
        assert set(below) <= set(RAW)


@pytest.mark.parametrize(("waiting", "missed"), [(5, []), (6, ["issuer_lock_waits_over_wall"])])
def test_waits_for_locks_have_a_bar(waiting: int, missed: list[str]) -> None:
    figures = Figures()
    figures.take("issuer_lock_waits_over_wall", LockWaits(looks=100, waiting=waiting).share)
    assert figures.missed == missed


def test_where_nobody_looked_there_is_no_share_of_waits() -> None:
    with pytest.raises(BenchError):
        _ = LockWaits().share
