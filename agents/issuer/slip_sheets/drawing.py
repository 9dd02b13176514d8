"""The process that sets slips as a PDF: an order by standard input, what became of it by standard output."""

import io
import os
import resource
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Final

import msgspec
import segno
from fontTools.ttLib import TTFont, TTLibError
from typst import Compiler, FontInfo, Fonts

from wanderbuch.agents.issuer.slip_sheets.order import Drawn, SheetOrder
from wanderbuch.agents.site.safe_text import plain

_MEMORY: Final = 2 << 30  # of addresses; typst maps its fonts
_CPU_S: Final = 100
_NICE: Final = 10
_FIRST: Final = ("Noto Sans", "Noto Sans Sinhala", "Noto Sans Tamil", "Noto Sans Arabic", "Noto Sans Devanagari")
# Unicode: controls, marks of format, spaces. They are drawn as nothing.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def main() -> None:
    """Read an order, set it, and write what became of it."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(_NICE)
    order = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=SheetOrder)
    sys.stdout.buffer.write(msgspec.msgpack.encode(drawn(order)))


def drawn(order: SheetOrder) -> Drawn:
    """Return slips set as a PDF; which letters are missing, if no font has them."""
    fonts = Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[order.fonts])
    infos = sorted(fonts.fonts(), key=lambda info: (_rank(info.family), info.family))
    if missing := _missing(_texts(order), infos):
        return Drawn(missing=missing)
    families = list(dict.fromkeys(info.family for info in infos))
    told = {
        "heading": order.heading,
        "language": order.language,
        "is_rtl": order.is_rtl,
        "fonts": [family for family in families if family in _FIRST] or families[:1],
        "centre": _apart(order.centre),
        "lines": list(order.lines),
        "slips": [
            {
                "name": _apart(slip.name),
                "title": _apart(slip.title),
                "address": slip.address,
                "code": _code(slip.address),
            }
            for slip in order.slips
        ],
    }
    source = (files(__package__) / "sheet.typ").read_bytes()
    compiler = Compiler(source, font_paths=fonts, sys_inputs={"order": msgspec.json.encode(told).decode("utf-8")})
    pdf = compiler.compile(format="pdf")
    if not isinstance(pdf, bytes):
        raise TypeError("typst gave no file")
    return Drawn(pdf=pdf)


def _texts(order: SheetOrder) -> Iterable[str]:
    yield plain(order.centre)
    yield from order.lines
    for slip in order.slips:
        yield from (plain(slip.name), plain(slip.title), slip.address)


def _missing(texts: Iterable[str], infos: Sequence[FontInfo]) -> str:
    """Return letters that are in no font, of the first fonts first, for most need no other."""
    wanted = {ord(one) for text in texts for one in unicodedata.normalize("NFC", text)}
    wanted = {one for one in wanted if unicodedata.category(chr(one)) not in _UNSEEN}
    for path, index in dict.fromkeys((info.path, info.index) for info in infos if info.path):
        if not wanted:
            break
        try:
            with TTFont(path, fontNumber=index, lazy=True) as font:
                wanted -= (font.getBestCmap() or {}).keys()  # one of symbols has none of Unicode
        except (TTLibError, KeyError):  # none, or without a table of letters
            continue
    return "".join(chr(one) for one in sorted(wanted))


def _rank(family: str) -> int:
    return _FIRST.index(family) if family in _FIRST else len(_FIRST)


def _apart(text: str) -> str:
    """Return a text of others kept apart from the direction of what stands around it (UAX #9: FSI, PDI)."""
    return f"\u2068{plain(text)}\u2069" if text else ""


def _code(address: str) -> str:
    out, code = io.BytesIO(), segno.make(address, error="m", micro=False)
    code.save(out, kind="svg", border=4, xmldecl=False, omitsize=True)
    return out.getvalue().decode("utf-8")


if __name__ == "__main__":
    main()
