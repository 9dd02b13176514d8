"""A program whose last words come when its main thread is over: `python -m tests.unit.machine.last_words ENDING`."""

import atexit
import sys
import threading
import time
from typing import Final

ENDINGS: Final = {"code": 7, "large code": 256 + 9, "words": "it went wrong", "nothing": None}


def later() -> None:
    time.sleep(0.2)
    print("a thread that was waited for")


if __name__ == "__main__":
    print("not flushed")
    atexit.register(print, "at the exit")
    threading.Thread(target=later).start()
    ending = sys.argv[1]
    if ending == "mistake":
        raise ValueError(ending)
    if ending != "returns":
        sys.exit(ENDINGS[ending])
