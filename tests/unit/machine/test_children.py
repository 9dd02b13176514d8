"""A child process ends with the one that started it, whatever ends that one."""

import asyncio
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wanderbuch.agents.machine.children import start_child, stop_child

# What an agent does with --until-stdin-ends; SIGTERM is what an agent stops on.
CHILD = """
import sys, time
from wanderbuch.agents.runtime.parent import end_with_stdin
end_with_stdin(grace_s=1)
{before}
print("child", flush=True)
time.sleep(600)
"""

PARENT = """
import asyncio, sys
from wanderbuch.agents.machine.children import start_child

async def main():
    children = [await start_child([sys.executable, "-c", {child!r}], stdout=asyncio.subprocess.PIPE) for _ in range(2)]
    for child in children:
        await child.stdout.readline()
    print(*(child.pid for child in children), flush=True)
    {then}

asyncio.run(main())
"""


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended, reaped or not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def gone(*pids: int, within_s: float = 60) -> bool:
    """Wait until the processes have ended; say whether they did."""
    ends = time.monotonic() + within_s
    while not all(is_gone(pid) for pid in pids):
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True


def start_parent(*, then: str = "await asyncio.sleep(600)", child: str = "") -> tuple[subprocess.Popen[str], list[int]]:
    """Start a program that starts two children; return it and the children's numbers."""
    program = PARENT.format(child=CHILD.format(before=child), then=then)
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    return parent, [int(pid) for pid in parent.stdout.readline().split()]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_children_end_when_their_parent_is_killed(how: signal.Signals) -> None:
    parent, children = start_parent()
    assert len(children) == 2
    parent.send_signal(how)
    parent.wait(timeout=60)
    assert gone(*children)


@pytest.mark.parametrize("then", ["return", "raise ValueError", "import os; os._exit(3)", "import os; os.abort()"])
def test_children_end_when_their_parent_ends_by_itself(then: str) -> None:
    parent, children = start_parent(then=then)
    parent.wait(timeout=60)
    assert gone(*children)


def test_a_child_that_does_not_stop_is_ended_after_a_while() -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    parent, children = start_parent(child=deaf)
    parent.kill()
    parent.wait(timeout=60)
    assert gone(*children)


def test_children_live_as_long_as_their_parent_does() -> None:
    parent, children = start_parent()
    time.sleep(0.5)
    assert not any(is_gone(child) for child in children)
    parent.kill()
    parent.wait(timeout=60)
    assert gone(*children)


async def test_ctrl_c_in_the_terminal_reaches_the_parent_only() -> None:
    child = await start_child([sys.executable, "-c", CHILD.format(before="")], stdout=asyncio.subprocess.PIPE)
    assert os.getpgid(child.pid) != os.getpgid(0)
    assert await stop_child(child) == -signal.SIGTERM


@pytest.mark.parametrize("stdin", ["closed", "empty"])
def test_a_program_that_was_not_told_to_goes_on_when_its_input_ends(stdin: str) -> None:
    """As an agent that is started by hand, by systemd or in a container."""
    program = "import wanderbuch.agents.runtime.parent, sys, time; print(flush=True); time.sleep(600)"
    redirect = "<&-" if stdin == "closed" else "</dev/null"
    command = ["sh", "-c", f'exec "$@" {redirect}', "sh", sys.executable, "-c", program]
    started = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert started.stdout is not None
    ready, _, _ = select.select([started.stdout], [], [], 30)
    assert ready
    time.sleep(0.5)
    assert started.poll() is None
    started.kill()
    started.wait()


def test_a_program_that_was_told_to_and_has_no_input_ends_at_once() -> None:
    started = subprocess.Popen(
        ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-c", CHILD.format(before="")], stdout=subprocess.PIPE
    )
    assert started.wait(60) != 0
