"""Agents of tests leave their memory as it is: to put it into huge pages takes longer than most of them live.

An agent does that once, 20 s after it is ready (`wanderbuch.huge_pages`), for 0.3 s of the processor: it pays for one
that runs for hours, and costs as much as all else that an agent of a test does. So the process that these are forked
from asks the kernel to make none. Those of soak tests, of benches and of the demo have theirs.
"""

import ctypes
import os
import sys
from typing import Final

import pytest
from tests.memory_folder import is_soak
from tests.thorough import IS_THOROUGH

_SMALL: Final = "WANDERBUCH_TESTS_SMALL_PAGES"  # in the environment, so that the prepared process finds it
_PR_SET_THP_DISABLE: Final = 41  # prctl(2), linux/prctl.h


def want_small_pages(config: pytest.Config) -> None:
    """Let agents of these tests make no huge pages, but in a soak test, and in a thorough run."""
    if not IS_THOROUGH and not is_soak(config):
        os.environ[_SMALL] = "1"


def leave_pages_small() -> None:
    """Have this process, and those forked from it, make no huge pages, where the tests want it so."""
    if _SMALL in os.environ and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_THP_DISABLE, 1, 0, 0, 0)  # a kernel that cannot do it makes them as always
