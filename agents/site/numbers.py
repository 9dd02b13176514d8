"""Counts as people write them: thousands apart, by the customs of Unicode CLDR for our languages.

Digits stay 0 to 9 everywhere, as the sentences of all catalogues write them. Years, levels, versions and codes are no
counts: they never get a separator.
"""

from typing import Final

_NARROW_SPACE: Final = "\u202f"
_SEPARATORS: Final = {"fr": _NARROW_SPACE, "es": "."}  # elsewhere a comma
_APART_FROM: Final = {"es": 5}  # Spanish writes four digits in one
_BY_TWO: Final = frozenset({"ta", "hi"})  # lakh and crore: 12,34,567


def count_text(count: int, language: str) -> str:
    """Return a count as it is written in a language.

    >>> [count_text(1234567, tag) for tag in ("en", "ta", "es")]
    ['1,234,567', '12,34,567', '1.234.567']
    >>> count_text(1234, "es"), count_text(1234, "si"), count_text(999, "fr")
    ('1234', '1,234', '999')
    """
    digits = str(abs(count))
    if len(digits) < _APART_FROM.get(language, 4):
        return str(count)
    size = 2 if language in _BY_TWO else 3
    rest, groups = digits[:-3], [digits[-3:]]
    while rest:
        rest, groups = rest[:-size], [rest[-size:], *groups]
    return ("-" if count < 0 else "") + _SEPARATORS.get(language, ",").join(groups)
