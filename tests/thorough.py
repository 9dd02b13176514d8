"""How much of what is left to chance, or walked through step by step, a run of the tests takes.

`make test` takes enough to see that what is tested holds; `make soak` sets WANDERBUCH_THOROUGH and takes all of it.

    for number in range(examples(300)): ...
    @settings(max_examples=examples(400), deadline=None)
"""

import os
from typing import Final

IS_THOROUGH: Final = bool(os.environ.get("WANDERBUCH_THOROUGH"))
_SHARE: Final = 4
_LEAST: Final = 25


def examples(all_of_them: int) -> int:
    """Return how many of so many examples this run takes: a quarter, or 25 if that is more, but for thorough ones."""
    return all_of_them if IS_THOROUGH else min(all_of_them, max(_LEAST, all_of_them // _SHARE))
