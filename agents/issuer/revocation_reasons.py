"""Why a certificate is revoked: a word of a list, so that nobody writes of a person what others may read."""

from enum import StrEnum
from typing import Final


class RevocationReason(StrEnum):
    """Why a certificate is revoked."""

    WRONG_PERSON = "wrong-person"
    MISTAKE = "mistake"
    FRAUD = "fraud"
    REPLACED = "replaced"
    ASKED = "asked"
    OTHER = "other"

    @property
    def sentence(self) -> str:
        """Return what the wallet is told, in English."""
        return _SAID[self]


LETS_ANOTHER_FOLLOW: Final = frozenset(
    (RevocationReason.REPLACED, RevocationReason.MISTAKE, RevocationReason.WRONG_PERSON, RevocationReason.ASKED)
)
"""After these something else may be issued in the place of the certificate: nothing is wrong with who earned it."""

_SAID = {
    RevocationReason.WRONG_PERSON: "It was given to the wrong person.",
    RevocationReason.MISTAKE: "It says something that is not so.",
    RevocationReason.FRAUD: "It was not earned honestly.",
    RevocationReason.REPLACED: "Another certificate takes its place.",
    RevocationReason.ASKED: "Its holder asked for it.",
    RevocationReason.OTHER: "Ask the issuer for the reason.",
}
