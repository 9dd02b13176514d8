"""Tasks and futures in C, as Python brings them.

ACA-Py's loader of JSON-LD documents is called where nothing can be awaited, and runs the event loop inside the event
loop (`nest_asyncio`). Its import makes the loop one that bears that, and replaces all tasks and futures of the process
by such in Python, which older Pythons needed: each step of a task and each future then takes half as long again. In
Python 3.12 and 3.13 tasks in C can be put aside as well, so the loop stays as it was made, and the tasks come back.
"""

import asyncio
import importlib


def use_native_tasks() -> None:
    """Make tasks and futures in C from now on; for the start of a process, once ACA-Py is imported."""
    native = importlib.import_module("_asyncio")  # not at the top: what is imported before asyncio it does without
    asyncio.Task = asyncio.tasks.Task = native.Task  # type: ignore[misc]
    asyncio.Future = asyncio.futures.Future = native.Future  # type: ignore[misc]
