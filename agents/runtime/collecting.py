"""Python's garbage collector in an agent: it leaves alone what stays for as long as the process.

An agent imports and sets up some 200,000 objects that it needs until its end. To look through all of them takes 50 to
80 ms, once while they are made and again whenever enough others have lived for a while: in the middle of somebody's
message. So only the youngest are collected while an agent starts, and what is there once it has is never looked at
again.

    hold()               # before anything large is imported
    ...
    hold()               # all is imported
    ...
    settle()             # the agent has started
    ...
    settle()             # it is ready

What a start leaves as garbage goes before that: a wallet session that ACA-Py leaves to the collector gives its place
back only when it is collected. (Without any collection a start takes 2 MB more, and no less time.)
"""

import gc
from typing import Final

_STARTING: Final = (20_000, 1_000, 1_000)
_YOUNG: Final = 10_000
"""So many objects more than were freed make a collection of the young ones: about those of one message."""
_OLDER: Final = (10, 20)


def hold() -> None:
    """Collect but the youngest until `settle`, and never what there is now."""
    gc.set_threshold(*_STARTING)
    gc.freeze()


def settle() -> None:
    """Collect what is garbage by now, and from now on what comes later."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *_OLDER)
