"""Reading lists: two at a time in a process, in threads of their own.

A small file may unpack to 128 MiB and millions of cells. Who waits for a turn holds no thread that others need.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Final

AT_ONCE: Final = 2
_READERS: Final = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lists")


async def read_in_turn[**P, R](read: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """Return what `read` returns, once it is its turn; what it raises is raised here.

    Args:
        read: pure, and takes a while.
        args: for it.
        named: for it.
    """
    turn = partial(copy_context().run, read, *args, **named)
    return await asyncio.get_running_loop().run_in_executor(_READERS, turn)
