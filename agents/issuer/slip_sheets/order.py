"""What is to be set, and what became of it: between the agent and the process that sets type."""

from collections.abc import Sequence
from typing import Final

import msgspec

MOST_SLIPS: Final = 1_000
"""In one file: 125 sheets, some ten seconds of work."""


class PaperSlip(msgspec.Struct, frozen=True):
    """What one slip shows, as plain text."""

    name: str
    title: str
    address: str


class SheetOrder(msgspec.Struct, frozen=True):
    """What is to be set.

    Args:
        fonts: folder of the fonts.
        language: of the words, as a BCP 47 tag.
        is_rtl: whether it is written from right to left.
        heading: of the document.
        centre: whose slips they are.
        lines: what each slip says: how to take the credential, and until when.
        slips: at most `MOST_SLIPS`.
    """

    fonts: str
    language: str
    is_rtl: bool
    heading: str
    centre: str
    lines: Sequence[str]
    slips: Sequence[PaperSlip]


class Drawn(msgspec.Struct, frozen=True):
    """What became of an order.

    Args:
        pdf: the file; empty if there is none.
        missing: letters that no font has.
    """

    pdf: bytes = b""
    missing: str = ""
