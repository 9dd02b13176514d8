"""Fonts that draw other letters than the ones that are stored.

Before Unicode, and often still, scripts were written with fonts that draw Sinhala, Tamil, Hindi or a tick in the place
of Latin letters: the sheet shows ශ්‍රී ලංකා, and the file holds "Y%S ,xld". Where the file names such a font, somebody
has to look.
"""

import re
from typing import Final

_SYMBOLS: Final = re.compile(
    r"(?:wingdings|webdings|symbol$|standard symbols|marlett|mt extra|zapf ?dingbats|dingbats|bookshelf symbol|"
    r"monotype sorts)",
    re.IGNORECASE,
)
_LEGACY: Final = re.compile(
    r"(?:fm[ -]?[a-z]|dl[-_ ]|kaputa|thibus|sandaya|4u |"  # Sinhala
    r"ba+mini|kalaham|tscii|tam[-_]|tab[-_]|vanavil|senthamil|elango|lt-tm|"  # Tamil
    r"kruti ?dev|devlys|chanakya|walkman|shusha|shivaji|dv[b]?-tt|akruti|aps-|shree[- ]?(?:dev|lipi)|"  # Hindi, Marathi
    r"preeti|kantipur|sagarmatha|pcs nepali|himalb|fontasy|"  # Nepali
    r"sutonny|.*mj$|lmg-|gopika|ghanshyam|nudi \d\d e|ml-tt|mlkv|asees|gurbaniakhar|anmollipi|satluj|"
    r"zawgyi|wininnwa|win---|limon|alice\d|saysettha|"  # Burmese, Khmer, Lao
    r"\.vn|vni-|vn(?:times|arial|helv)|"  # Vietnamese
    r"power ?geez|visual geez|ge'?ez-|arial latarm|times latarm|acadnusx|acadmtavr|litnusx)",
    re.IGNORECASE,
)


def may_draw_other_letters(font: str) -> bool:
    """Return whether there is a text for which `draws_other_letters`."""
    return bool(_SYMBOLS.match(font) or _LEGACY.match(font))


def draws_other_letters(font: str, text: str) -> bool:
    """Return whether a font shows other letters for a text than those that are stored.

    >>> draws_other_letters("FMAbhaya", "wud;r"), draws_other_letters("Arial", "wud;r")
    (True, False)
    >>> draws_other_letters("FMAbhaya", "මාතර"), draws_other_letters("Wingdings", "ü")
    (False, True)
    """
    if _SYMBOLS.match(font):
        return bool(text.strip())
    zawgyi = font.casefold().startswith("zawgyi")
    return bool(_LEGACY.match(font)) and any(
        letter.isalpha() and (letter <= "\u024f" or (zawgyi and "\u1000" <= letter <= "\u109f")) for letter in text
    )
