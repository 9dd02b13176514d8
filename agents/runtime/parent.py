"""Ending with the program that started us, whatever ends it: an exit, a signal, kill -9.

A program that starts agents holds the other end of their standard input, and says so with `--until-stdin-ends`. The
kernel closes that end when the program is gone. An agent that is started by hand, by systemd or in a container is not
told so, and never looks at its standard input.
"""

import logging
import os
import signal
import time
from contextlib import suppress
from threading import Thread
from typing import Final

OPTION: Final = "--until-stdin-ends"
HELP: Final = "End when standard input does: for programs that start agents and hold its other end."
# As long as whoever stops an agent waits before it kills it.
GRACE_S: Final = 60.0
_EXIT_HUNG: Final = 70

_LOG = logging.getLogger(__name__)


def end_with_stdin(*, grace_s: float = GRACE_S) -> None:
    """Have this process stop as by SIGTERM once its standard input has ended; and at all costs after `grace_s`.

    Call it first of all: what is imported later may take seconds.
    """
    Thread(target=_watch, args=(grace_s,), name="until-stdin-ends", daemon=True).start()


def _watch(grace_s: float) -> None:
    with suppress(OSError):  # it was closed from the beginning
        while os.read(0, 4096):
            pass
    _LOG.warning("agent.parent_gone")
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace_s)
    os._exit(_EXIT_HUNG)
