"""Reading lists: two at a time in a process, in threads of their own.

A small file may unpack to 128 MiB and millions of cells. Who waits for a turn holds no thread that others need.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from wanderbuch.governance.lists.reading import Choices

AT_ONCE: Final = 2
_MOST_HEADER_ROWS: Final = 5

type _Word = Annotated[str, Field(max_length=200)]
_READERS: Final = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lists")


class SaidOfFile(BaseModel):
    """What a person says about the file of a list, whatever it lists; members as in `Choices`.

    `header_row` is the first row of the headers, `header_last` the last one, where they have several.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    header_row: int | None = Field(default=None, ge=1, le=100_000)
    header_last: int | None = Field(default=None, ge=1, le=100_000)
    sheet: _Word | None = None
    encoding: _Word | None = None
    separator: _Word | None = None

    @property
    def how_it_is_read(self) -> dict[str, str | None]:
        """What is this file's own: another one with its headers may have one sheet, or be written otherwise."""
        return {"sheet": self.sheet, "encoding": self.encoding, "separator": self.separator}

    def choices_with(self, answers: Mapping[str, str]) -> "Choices":
        """Return how the file is read, with answers to what it asks."""
        from wanderbuch.governance.lists.reading import Choices  # 3 MB that most processes never need

        first, rows = self.header_row, None
        if first is not None:
            last = self.header_last or first
            rows = (first, last if first <= last < first + _MOST_HEADER_ROWS else first)
        return Choices(header_rows=rows, answers=dict(answers), **self.how_it_is_read)


async def read_in_turn[**P, R](read: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """Return what `read` returns, once it is its turn; what it raises is raised here.

    Args:
        read: pure, and takes a while.
        args: for it.
        named: for it.
    """
    turn = partial(copy_context().run, read, *args, **named)
    return await asyncio.get_running_loop().run_in_executor(_READERS, turn)
