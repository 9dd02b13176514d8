"""The code with which an authority invites an institution, and the proof that somebody has it. No I/O.

A code is twenty characters in five groups, `H7QK-9M2X-4TRB-WC5N-8PDE`, in the alphabet of Crockford's Base32 (no I, L,
O, U; small letters, blanks and look-alikes are read as meant). The first eight name the invitation, eleven are secret
(55 bits), the last one shows a slip of the pen before a try is spent.

1. The authority keeps a key that is worked out of the code (PBKDF2-HMAC-SHA-256, RFC 8018), never the code.
2. Who checks in sends the handle and an HMAC-SHA-256 (RFC 2104) by that key over the authority's DID, their own DID and
   the id of their application, which they sign. So a proof that was seen somewhere is worth nothing to anybody else,
   nor for another application, nor at another authority.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import ClassVar, Final

from wanderbuch.errors import GovernanceError

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH: Final = 20
_HANDLE: Final = 8
_GROUP: Final = 4
_ROUNDS: Final = 20_000
_MEANT: Final = str.maketrans("OIL", "011", "- \t\u00a0\u2010\u2011\u2012\u2013\u2014")
_SALT: Final = b"wanderbuch check-in 1 "


class CheckInCodeError(GovernanceError):
    """What was typed is no code, or is mistyped; the message says so without it."""

    code: ClassVar[str] = "governance.check_in_code"


@dataclass(frozen=True, slots=True, repr=False)
class CheckInCode:
    """A code; `repr` does not tell it."""

    text: str

    @classmethod
    def make(cls) -> "CheckInCode":
        """Return a new one."""
        drawn = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH - 1))
        return cls(drawn + _mark(drawn))

    @classmethod
    def parse(cls, typed: str) -> "CheckInCode":
        """Return the code that was typed.

        Raises:
            CheckInCodeError: it cannot be one.
        """
        text = typed[:200].upper().translate(_MEANT)
        if len(text) != _LENGTH or not set(text) <= set(_ALPHABET):
            raise CheckInCodeError(
                f"expected a code of {_LENGTH} letters and digits, as the authority's letter has it",
                hint="it stands in five groups of four; there is no letter U in it",
            )
        if _mark(text[:-1]) != text[-1]:
            raise CheckInCodeError("the code is mistyped", hint="compare it with the letter; no try was spent")
        return cls(text)

    @property
    def handle(self) -> str:
        """What names the invitation; no secret."""
        return self.text[:_HANDLE].lower()

    @property
    def shown(self) -> str:
        """The code as a letter shows it."""
        return "-".join(self.text[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP))

    def key(self) -> bytes:
        """Return what the authority keeps of it: 32 bytes; it takes some milliseconds."""
        return hashlib.pbkdf2_hmac("sha256", self.text.encode(), _SALT + self.handle.encode(), _ROUNDS)

    def __repr__(self) -> str:
        return f"CheckInCode({self.handle}…)"


def check_in_proof(key: bytes, *, authority: str, applicant: str, application_id: str) -> str:
    """Return the proof that somebody has a code, as hexadecimal digits."""
    claim = "\n".join(("wanderbuch check-in 1", authority, applicant, application_id))
    return hmac.new(key, claim.encode(), hashlib.sha256).hexdigest()


def proves_code(proof: str, key: bytes, *, authority: str, applicant: str, application_id: str) -> bool:
    """Return whether a proof is the one that this key makes; it takes as long whether it is or not."""
    expected = check_in_proof(key, authority=authority, applicant=applicant, application_id=application_id)
    return hmac.compare_digest(expected, proof)


def _mark(text: str) -> str:
    """Return a letter that changes with any one wrong letter, and with nearly all pairs that are swapped."""
    total = sum((2 * at + 1) * _ALPHABET.index(letter) for at, letter in enumerate(text))
    return _ALPHABET[total % len(_ALPHABET)]
