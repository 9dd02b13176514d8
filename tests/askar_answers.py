"""What Askar still has to say: a call that was cancelled ends when it ends, and tells whoever asked.

A loop that is closed before leaves a warning in whichever test runs then.
"""

import asyncio
from typing import Final

from aries_askar.bindings import get_library

_LIMIT_S: Final = 60.0


async def all_answered() -> None:
    """Wait until Askar has answered every call that was made on this loop."""
    loop = asyncio.get_running_loop()
    asked = get_library().loaded._callbacks
    async with asyncio.timeout(_LIMIT_S):
        while any(question[0] is loop for question in tuple(asked.values())):  # noqa: ASYNC110 (it tells nobody else)
            await asyncio.sleep(0.005)
