"""Texts of others on a page: escaped, kept apart, and linked only where a link is safe to follow.

1. `shown` takes out characters that change the direction of text or hide, so that no name can dress up as another.
2. An address becomes a link only if people may safely follow it: a web, mail or telephone address.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from markupsafe import Markup

from wanderbuch.visible_text import visible

_ADDRESS: Final = re.compile(r"(https?://|mailto:|tel:)[!-~]{1,2000}")
_SPACES: Final = re.compile(r"\s+")
_MAX_SHOWN: Final = 2_000


def plain(text: str) -> str:
    r"""Return a text of others without characters that hide or turn text.

    >>> plain("Centre\u202e gnidleW")
    'Centre gnidleW'
    """
    return visible(_SPACES.sub(" ", text[:_MAX_SHOWN])).strip()


def shown(text: object) -> Markup:
    """Return a text of others for a page, kept apart from the direction of what stands around it."""
    return Markup("<bdi>{}</bdi>").format(plain(str(text)))


def code_text(text: object) -> Markup:
    """Return an identifier: left to right everywhere, and breakable."""
    return Markup('<bdi dir="ltr" class="code">{}</bdi>').format(plain(str(text)))


def is_followable(text: object) -> bool:
    """Return whether `text` is an address one may link to.

    >>> is_followable("https://a.example/b"), is_followable("mailto:a@b.example"), is_followable("javascript:x()")
    (True, True, False)
    """
    if not isinstance(text, str) or not _ADDRESS.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"mailto", "tel"} or (bool(parts.hostname) and "@" not in parts.netloc)


def link(address: object, label: object | None = None) -> Markup:
    """Return a link to another site if `address` is one, else the bare text."""
    if not is_followable(address):
        return shown(address)
    inner = code_text(address) if label is None else Markup("{}").format(label)
    return Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>').format(address, inner)
