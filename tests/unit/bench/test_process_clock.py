import os
import time

import pytest
from tests.bench.process_clock import NoClockError, ProcessClocks


def test_reads_this_process_as_the_process_itself_does():
    read = ProcessClocks({"me": os.getpid()}).read()
    assert read.cpu_s["me"] == pytest.approx(time.process_time(), abs=0.05)


def test_says_that_a_process_which_is_gone_cannot_be_measured():
    with pytest.raises(NoClockError):
        ProcessClocks({"nobody": 2**22 + 1})


async def test_comes_to_rest_where_nobody_works():
    clocks = ProcessClocks({"init": 1})
    before = clocks.read()
    after = await clocks.when_quiet()
    assert after.at - before.at >= 0.1
