"""An agent's malloc does not spread over more arenas than can be used at once."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from wanderbuch.agents.runtime.arenas import VARIABLE

THREADS = 40
PROGRAM = """
import ctypes, sys, threading
from wanderbuch.agents.runtime.arenas import use_few_arenas

print(use_few_arenas())
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
all_there = threading.Barrier(int(sys.argv[2]))

def take() -> None:
    all_there.wait()
    libc.malloc(100_000)
    all_there.wait()

threads = [threading.Thread(target=take) for _ in range(int(sys.argv[2]))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


def arenas_of(told: Path, **more: str) -> tuple[str, int]:
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE} | more
    command = (sys.executable, "-c", PROGRAM, str(told), str(THREADS))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip(), len(re.findall("<heap ", told.read_text()))


def test_there_are_as_many_as_processors_whatever_threads_there_are(tmp_path: Path) -> None:
    is_bound, arenas = arenas_of(tmp_path / "told.xml")
    assert is_bound == "True"
    assert arenas == max(2, os.process_cpu_count() or 1) < THREADS


@pytest.mark.parametrize("most", [3, 5])
def test_who_has_said_how_many_is_heard(tmp_path: Path, most: int) -> None:
    assert arenas_of(tmp_path / "told.xml", **{VARIABLE: str(most)}) == ("False", most)
