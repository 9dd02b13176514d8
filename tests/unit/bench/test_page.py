import copy
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from tests.bench.figures import OVER_STOCK, Figures
from tests.bench.page import filled
from tests.bench.plot import bars_of, plot
from tests.bench.rounds import STEPS

RAW = dict.fromkeys(("offer", "request", "issue", "store", "ask", "present", "verify"), 5.0)
STOCK = {step: 20.0 for _, below in OVER_STOCK.values() for step in below} | {
    "holder connects": 20.0,
    "holder receives": 20.0,
}


@pytest.fixture
def written() -> dict[str, Any]:
    figures = Figures()
    figures.take("issuer_cpu_over_crypto", 1.85, (1.7, 1.9))
    figures.take("holder_kb_written", 31.0)
    figures.leave_out(["issuer_two_processes_over_one"], "2 processors")
    figures.details |= {
        "steps_ms": {"ours": dict.fromkeys(STEPS, 10.0), "library": RAW, "stock": STOCK},
        "steps_ms_by_thread": {"issuer issues": {"main": 4.0, "crypto": 27.0, "store": 3.0}},
    }
    return figures.as_json()


def test_figures_come_between_the_marks_and_prose_stays(written: dict[str, Any]):
    page = filled("Before.\n<!-- figures: keys -->\nSTALE\n<!-- end -->\nAfter.\n", written)
    assert page.startswith("Before.\n")
    assert page.endswith("After.\n")
    assert "STALE" not in page
    assert "| `issuer_cpu_over_crypto` | Issuer: invite, connect, offer, issue | 1.85 | 1.7 to 1.9 | ≤ 1.9 |" in page
    assert "**31** (misses)" in page


def test_a_key_that_the_run_did_not_know_was_not_measured(written: dict[str, Any]):
    del written["issuer_lock_waits_over_wall"], written["details"]["keys"]["issuer_lock_waits_over_wall"]
    page = filled("<!-- figures: keys -->\n<!-- end -->\n", written)
    (row,) = [line for line in page.splitlines() if line.startswith("| `issuer_lock_waits_over_wall` |")]
    assert row.endswith("| - |  | ≤ 0.05 |")


def test_filling_again_changes_nothing(written: dict[str, Any]):
    page = filled("<!-- figures: missing -->\n<!-- end -->\n<!-- figures: threads -->\n<!-- end -->\n", written)
    assert "`issuer_two_processes_over_one`: 2 processors." in page
    assert "| Issuer issues | 4.0 | 27.0 | 3.0 |" in page
    assert filled(page, written) == page


def test_refuses_a_place_that_nobody_fills(written: dict[str, Any]):
    with pytest.raises(KeyError):
        filled("<!-- figures: weather -->\n<!-- end -->", written)


def test_bars_add_up_the_steps_of_an_operation(written: dict[str, Any]):
    bars = {(bar.row, bar.whose): bar.ms for bar in bars_of(written["details"]["steps_ms"])}
    assert bars["Issuer: connect, offer, issue", "ours"] == 30.0
    assert bars["Issuer: connect, offer, issue", "stock"] == 60.0
    assert bars["Holder: present", "library"] == 5.0


def test_plot_is_well_formed_and_readable_on_a_dark_ground(written: dict[str, Any]):
    drawn = plot(written)
    rectangles = ET.fromstring(drawn).findall("{http://www.w3.org/2000/svg}rect")  # noqa: S314 (our own)
    assert len(rectangles) == 4 * 3 + 3
    assert "prefers-color-scheme:dark" in drawn


def test_plot_without_stock_leaves_its_bars_out(written: dict[str, Any]):
    without = copy.deepcopy(written)
    del without["details"]["steps_ms"]["stock"]
    assert "stock ACA-Py" not in plot(without)


def test_plot_of_no_rounds_is_refused():
    with pytest.raises(ValueError, match=r"details\.steps_ms"):
        plot(Figures().as_json())
