"""How far a publication is, for whoever waits for it."""

from collections.abc import Callable
from enum import Enum


class Stage(Enum):
    """What is being done, in this order."""

    FINDING_LISTS = "finding-lists"  # of a suspension: those of the issuer, on the network
    WAITING = "waiting"  # for another publication to end
    LAYING_OUT = "laying-out"
    CHECKING = "checking"
    SIGNING = "signing"
    PARTS = "parts"  # of a divided file, one after the other
    SERVING = "serving"


type TellStage = Callable[[Stage, int, int], None]
"""Takes what is being done, how many of its parts are done, and of how many; 0: it has none."""


def tell_nobody(stage: Stage, done: int = 0, of: int = 0) -> None:
    """Take it and do nothing: nobody waits."""
