"""Free ports: two processes are never given the same one, even while nobody listens on it."""

import os
import subprocess
import sys

from wanderbuch.agents.machine.ports import free_port

MANY = 400
_TAKE = """
import sys
from wanderbuch.agents.machine.ports import free_port
print(*(free_port() for _ in range(int(sys.argv[1]))), flush=True)
sys.stdin.read()
"""


def taker(ports: int = MANY) -> subprocess.Popen[str]:
    """Return a process that takes so many ports and lives until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", _TAKE, str(ports)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def ports_of(process: subprocess.Popen[str]) -> list[int]:
    """Read what it took."""
    assert process.stdout is not None
    return [int(port) for port in process.stdout.readline().split()]


def test_two_processes_are_never_given_the_same_port_even_while_nobody_listens_on_it() -> None:
    takers = [taker() for _ in range(4)]
    try:
        ports = [port for process in takers for port in ports_of(process)]
    finally:
        for process in takers:
            process.communicate()
    assert len(ports) == len(set(ports)) == 4 * MANY


def test_a_process_that_was_killed_gives_its_ports_back() -> None:
    for _ in range(2):  # together more than there are
        process = taker(6_500)
        try:
            assert len(set(ports_of(process))) == 6_500
        finally:
            process.kill()
            process.communicate()


def test_a_forked_child_is_given_ports_of_its_own() -> None:
    free_port()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, str(free_port()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        assert int(answer.read()) != free_port()
