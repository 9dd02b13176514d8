"""Digits of all scripts."""

import unicodedata


def plain_digits(text: str) -> str:
    """Return a text with the digits 0 to 9 for those of other scripts, and other wide or narrow forms made plain.

    >>> plain_digits("٣١/٠٣/٢٠٢٤"), plain_digits("３"), plain_digits("NVQ 4")
    ('31/03/2024', '3', 'NVQ 4')
    """
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.decimal(letter)) if letter.isdecimal() else letter for letter in plain)
