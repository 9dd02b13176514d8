"""How a person of a class list can be reached: e-mail, telephone, and the language that they read.

No credential holds these. A column is read only where somebody says that it is one of them: what a list happens to have
is not collected. What cannot be read keeps nobody from getting a certificate; it is told, and left out.
"""

import re
from collections.abc import Mapping
from typing import Final

from wanderbuch.agents.site.languages import FOR_WORKERS
from wanderbuch.governance.importing.digits import plain_digits
from wanderbuch.governance.importing.headers import Column
from wanderbuch.governance.importing.problem import ValueProblem
from wanderbuch.governance.lists.statuses import folded

EMAIL: Final = "contact_email"
PHONE: Final = "contact_phone"
LANGUAGE: Final = "contact_language"
CONTACTS: Final = (EMAIL, PHONE, LANGUAGE)
CONTACT_COLUMNS: Final = (
    Column(EMAIL, "an e-mail address at which the person is sent the link of their slip", ()),
    Column(PHONE, "a telephone number for the centre's own gateway for text messages", ()),
    Column(LANGUAGE, "the language in which they are written to, such as si or Sinhala", ()),
)

# RFC 5321, without quoted names and address literals: what anybody has, and nothing that could end a line or a header.
_EMAIL: Final = re.compile(
    r"(?=.{6,254}\Z)[A-Za-z0-9][A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{0,63}@(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}"
)
_PHONE: Final = re.compile(r"\+?[0-9]{6,15}")  # ITU-T E.164: at most 15 digits
_IN_A_PHONE: Final = re.compile(r"[\s()./\u2010-\u2015-]|\A['\u200e\u200f]")
_TRUNK: Final = re.compile(r"\s*(?:\+|00).*\(\s*0")  # ITU-T E.123 §2.2: some dial this 0 from abroad, most do not
_ENGLISH: Final = {
    "english": "en", "eng": "en", "sinhala": "si", "sinhalese": "si", "sin": "si", "tamil": "ta", "tam": "ta",
    "arabic": "ar", "ara": "ar", "french": "fr", "fra": "fr", "spanish": "es", "spa": "es",
    "hindi": "hi", "hin": "hi",
}  # fmt: skip


def is_reached(contact: Mapping[str, str]) -> bool:
    """Return whether what is known of a person says how they are reached; a language alone does not."""
    return EMAIL in contact or PHONE in contact


def contact_of(name: str, text: str) -> str:
    """Return what a cell says of how somebody is reached, as it is kept.

    Args:
        name: of the column.
        text: of the cell.

    Raises:
        ValueProblem: it cannot be read.
    """
    if name == EMAIL:
        local, _, domain = text.strip().rpartition("@")
        address = f"{local}@{_domain(domain)}"
        if _EMAIL.fullmatch(address) and ".." not in address and ".@" not in address:
            return address
        raise ValueProblem("found no e-mail address: this person gets no e-mail", "write one as in n.silva@example.org")
    if name == PHONE:
        told = plain_digits(text.strip())
        number = _IN_A_PHONE.sub("", told)
        if _PHONE.fullmatch(number) and not _TRUNK.match(told):
            return number
        raise ValueProblem("found no telephone number: this person gets no message", "write 6 to 15 digits")
    word = folded(text)
    tag = _ENGLISH.get(word) or next(
        (one.tag for one in FOR_WORKERS.values() if word in (one.tag, folded(one.name))), ""
    )
    if tag:
        return tag
    known = ", ".join(FOR_WORKERS)
    raise ValueProblem(
        "found a language that there are no letters in: they are written in another one", f"one of {known}"
    )


def _domain(text: str) -> str:
    """Return a domain in the letters in which mail servers know it (RFC 5891)."""
    text = text.strip().casefold()
    if text.isascii():
        return text
    import idna

    try:
        return idna.encode(text, uts46=True).decode()
    except idna.IDNAError:
        return ""
