import json
from dataclasses import replace

from tests.bench.figures import COMPARED, LARGE, PROCESSES, WIDER, Figures
from tests.bench.governance import LargeFigures
from tests.bench.load import LoadResult
from tests.bench.processes import ProcessFigures
from tests.bench.ratios import Ratio
from tests.bench.rounds import STEPS

KEYS = [*COMPARED, "presentations_lost", *LARGE, PROCESSES, "query_200k_records_over_empty", "details"]
LARGE_FIGURES = LargeFigures(
    load_over_parse=2.34567,
    load_over_parse_uncollected=3.1,
    bytes_each=514.1258,
    decision_us=30.126,
    decision_growth=1.1425,
    trqp_over_empty=0.6159,
    details={"bytes": 898_000_000, "accreditations": 1_000_000, "parts": 4096, "load_s": 20.0}
    | {"eligible_ms": {"first": 600.0, "again": 8.0}},
)
RAW = ("offer", "request", "issue", "store", "ask", "present", "verify")


def test_every_key_is_there_and_null_with_a_reason_where_nothing_was_measured():
    figures = Figures(why_not=dict.fromkeys(COMPARED, "no clock"))
    written = figures.as_json()
    assert list(written) == KEYS
    assert all(written[key] is None for key in KEYS[:-1])
    assert written["details"]["why_not"]["verifier_cpu_over_crypto"] == "no clock"


def test_ratios_are_worked_out_from_the_steps():
    figures = Figures(large=LARGE_FIGURES, load=LoadResult(200, 30, 40.0, {}, 9.0))
    figures.compare({step: [10.0] * 30 for step in STEPS}, {step: [5.0] * 30 for step in RAW})
    written = json.loads(json.dumps(figures.as_json()))
    assert written["issuer_cpu_over_crypto"] == 3.0
    assert written["details"]["ratios"]["issuer_issues_only"]["ratio"] == 2.0
    assert written["details"]["ratios"]["holder_present_cpu_over_crypto"]["n"] == 30
    assert (written["presentations_lost"], written["decision_us"]) == (0, 30.13)
    assert not figures.failed


def test_a_lost_presentation_is_a_failure():
    figures = Figures(load=LoadResult(200, 30, 40.0, {"OPEN": 1, "failed: open: 503": 2}, 9.0))
    assert figures.as_json()["presentations_lost"] == 3
    assert figures.failed


def test_the_ratio_of_two_processes_is_written_and_a_lost_marker_is_a_failure():
    kept = ProcessFigures(Ratio(7, 2094.0, 1221.0, 1.71499, 1.6, 1.8), lost=0)
    load = LoadResult(1, 1, 1.0, {}, 1.0)
    assert Figures(load=load, processes=kept).as_json()[PROCESSES] == 1.715
    assert not Figures(load=load, processes=kept).failed
    assert Figures(load=load, processes=replace(kept, lost=1)).failed


def test_every_step_compared_is_one_that_is_measured():
    for above, below, _ in (*COMPARED.values(), *WIDER.values()):
        assert set(above) <= set(STEPS)
        assert set(below) <= set(RAW)
