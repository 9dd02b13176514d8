"""QR codes of addresses."""

import io
from functools import lru_cache
from typing import Final

_SCALE: Final = 4
_BORDER: Final = 4


@lru_cache(maxsize=256)
def qr_svg(url: str) -> str:
    """Return the QR code of an address as an SVG element; it takes 8 ms, and callers ask until there is an answer."""
    import segno  # not before anybody looks at a code: it takes memory

    out, code = io.BytesIO(), segno.make(url, error="m", micro=False)
    code.save(out, kind="svg", scale=_SCALE, border=_BORDER, xmldecl=False)
    width, height = code.symbol_size(scale=_SCALE, border=_BORDER)
    # With a box it can be drawn in any size; segno writes either that or the size.
    return out.getvalue().decode("utf-8").replace("<svg ", f'<svg viewBox="0 0 {width} {height}" ', 1)
