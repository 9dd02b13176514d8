"""A program that is told to end cleans up first."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, sys
from pathlib import Path
from wanderbuch.agents.machine.interrupting import run_to_the_end

async def work():
    try:
        print("ready", flush=True)
        await asyncio.sleep({work_s})
    finally:
        await asyncio.sleep({cleaning_s})
        Path(sys.argv[1]).touch()
    return 5

sys.exit(run_to_the_end(work()))
"""


def start(clean: Path, *before: str, work_s: float = 600, cleaning_s: float = 0) -> subprocess.Popen[str]:
    program = PROGRAM.format(work_s=work_s, cleaning_s=cleaning_s)
    started = subprocess.Popen(
        [*before, sys.executable, "-c", program, str(clean)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    while started.stdout.readline() != "ready\n":
        pass
    return started


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_it_clean_up_and_shows_in_the_exit_code(tmp_path: Path, number: signal.Signals) -> None:
    started = start(tmp_path / "clean")
    started.send_signal(number)
    _, errors = started.communicate(timeout=30)
    assert started.returncode == 128 + number
    assert (tmp_path / "clean").exists()
    assert "Traceback" not in errors


def test_without_a_signal_the_result_counts(tmp_path: Path) -> None:
    assert start(tmp_path / "clean", work_s=0).wait(timeout=30) == 5
    assert (tmp_path / "clean").exists()


def test_signals_that_do_not_cease_change_nothing_of_how_it_ends(tmp_path: Path) -> None:
    """As from a person who is impatient, or a machine so slow that the second one comes when it ends already."""
    started = start(tmp_path / "clean", cleaning_s=600)
    while started.poll() is None:
        started.send_signal(signal.SIGTERM)
        time.sleep(0.001)
    assert started.returncode == 128 + signal.SIGTERM


def test_a_second_signal_ends_it_although_it_cleans_up(tmp_path: Path) -> None:
    started = start(tmp_path / "clean", cleaning_s=600)
    while started.poll() is None:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(timeout=0.3)
        except subprocess.TimeoutExpired:
            continue
    assert started.returncode == 128 + signal.SIGTERM
    assert not (tmp_path / "clean").exists()


def test_under_nohup_the_end_of_the_terminal_does_not_end_it(tmp_path: Path) -> None:
    started = start(tmp_path / "clean", "nohup", work_s=1)
    started.send_signal(signal.SIGHUP)
    assert started.wait(timeout=30) == 5
