"""Names of attributes that try how the AnonCreds library compares them."""

from typing import Final

ODD_NAMES: Final = (
    "family_name",
    "Given Names",
    "  Award-Year  ",
    "A\tb",
    "a\u00a0B",  # a no-break space is no space to the library
    "Ａwarded",  # full width
    "ÄÖÜẞß",
    "İstanbul",  # becomes two characters
    "ΣΟΦΟΣ",  # its last letter becomes a final sigma
    "Ǆ",
    "ⅣΩ",
    "Ꭰ",  # Cherokee
    "Დ",  # Georgian capital
    "සිංහල",
    "தமிழ் 1",
    "e\u0301É",
)
