"""Has slips set as a PDF, by a process of its own that ends with it.

1. What sets type reads fonts and texts of others, and takes memory that a process of many tenants would keep. So it is
   another process, with bounds of its own for memory and time, at low priority, one at a time for a tenant and few for
   all tenants of an agent's process. Of our environment it gets nothing that is ours: keys and passwords stand there.
2. A letter that no font has would be printed as a box, and nobody would notice before the slips are handed out. So
   nothing is printed then, and the clerk is told which letters are missing.
3. What goes to it goes by its standard input, and what comes back by its standard output: nothing personal lies in a
   file or stands in a list of processes.
"""

import asyncio
import contextlib
import importlib.util
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

import msgspec

from wanderbuch.agents.issuer.slip_sheets.order import MOST_SLIPS, Drawn, PaperSlip, SheetOrder
from wanderbuch.agents.site.languages import Language
from wanderbuch.errors import ConfigurationError, ExchangeError

_MODULE: Final = "wanderbuch.agents.issuer.slip_sheets.drawing"
_DEADLINE_S: Final = 120.0
_MAX_PDF: Final = 64 << 20
_MOST_AT_ONCE: Final = 2
_LIBRARIES: Final = ("typst", "fontTools", "segno")
_LOG: Final = logging.getLogger(__name__)


class SheetsError(ExchangeError):
    """The slips cannot be set as a PDF."""

    code: ClassVar[str] = "exchange.sheets"


class SlipSheets:
    """Sets slips for one tenant.

    Args:
        fonts: folder of the fonts.
    """

    _at_work: ClassVar[int] = 0
    """How many files are being made in this process, for whichever tenant."""

    def __init__(self, fonts: Path) -> None:
        """Look whether it can be done here.

        Raises:
            ConfigurationError: a library is missing, or the folder.
        """
        if lacking := [name for name in _LIBRARIES if importlib.util.find_spec(name) is None]:
            raise ConfigurationError(
                f"[issuer] slip_fonts asks for slips as PDF, and {', '.join(lacking)} is not installed",
                hint="install wanderbuch with its extra pdf: pip install 'wanderbuch[pdf]'; or leave slip_fonts out",
            )
        if not fonts.is_dir():
            raise ConfigurationError(
                f"expected a folder with fonts, found none at {fonts} ([issuer] slip_fonts)",
                hint="name a folder that has fonts for each script of your people's names (Debian: fonts-noto-core)",
            )
        self._fonts = fonts
        self._turn = asyncio.Lock()

    async def pdf(
        self, slips: Sequence[PaperSlip], *, language: Language, heading: str, centre: str, lines: Sequence[str]
    ) -> bytes:
        """Return slips as a PDF, eight to a sheet of A4.

        Raises:
            SheetsError: another file is being made for this tenant, or several for others; a letter is in no font; or
                it failed.
        """
        if self._turn.locked() or SlipSheets._at_work >= _MOST_AT_ONCE:
            raise SheetsError("another file of slips is being made", hint="try again in a minute")
        order = SheetOrder(
            str(self._fonts), language.tag, language.direction == "rtl", heading, centre, lines, slips[:MOST_SLIPS]
        )
        SlipSheets._at_work += 1
        try:
            async with self._turn:
                drawn = await _drawn(order)
        finally:
            SlipSheets._at_work -= 1
        if drawn.missing:
            raise SheetsError(
                f"the fonts of this agent lack these letters: {' '.join(drawn.missing)}",
                hint="print the page with your browser, or have the operator add a font to the folder of slip_fonts",
            )
        return drawn.pdf


async def _drawn(order: SheetOrder) -> Drawn:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", _MODULE),  # nothing is imported from the folder in which the agent runs
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_MAX_PDF,
        env={name: value for name, value in os.environ.items() if not name.startswith("WANDERBUCH_")},
    )
    try:
        async with asyncio.timeout(_DEADLINE_S):
            answer, complaint = await process.communicate(msgspec.msgpack.encode(order))
    except TimeoutError:
        raise SheetsError("the file of slips took too long", hint="print the page with your browser") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0 or len(answer) > _MAX_PDF:
        # Its complaint is about code and memory, but a text of the slips could stand in it: so only its kind is logged.
        kind = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2].partition(":")[0]
        _LOG.error("slips.failed: the process that sets type ended with %s: %s", process.returncode, kind[:100])
        raise SheetsError("the file of slips could not be made", hint="print the page with your browser")
    return msgspec.msgpack.decode(answer, type=Drawn)
