"""A program that hears when its modules are taken apart: `python -m tests.unit.machine.taken_apart`."""

import os


class Kept:
    """What goes with its module."""

    def __del__(self, write=os.write) -> None:  # type: ignore[no-untyped-def]  # `os` may be gone by then
        write(1, b"taken apart\n")


kept = Kept()
print("whole", flush=True)
