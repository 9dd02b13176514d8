"""What a person signs in with, beside a token: their passkeys' handle, and a recovery code.

The recovery code is shown once and kept as a hash. It is 120 random bits, so nobody finds it by trying; tries are
bounded all the same (`tries`). It is good once: whoever signs in with it is given the next one.
"""

import hashlib
import re
import secrets
from typing import ClassVar, Final

from wanderbuch.store.record import Record

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: nothing is mistaken for something else
_LENGTH: Final = 24
_GROUP: Final = 4
_ALIKE: Final = str.maketrans({"o": "0", "i": "1", "l": "1"})


class Account(Record):
    """How one person signs in. Its id is the person's.

    Args:
        user_handle: what authenticators know the person by; random, hexadecimal (WebAuthn 2 §14.6.1).
        recovery_hash: of the recovery code that is good now; None: there is none.
        recoveries: how many codes were made so far.
    """

    category: ClassVar[str] = "wanderbuch.people-account"
    is_listed: ClassVar[bool] = False  # its id is a person's

    user_handle: str
    recovery_hash: str | None = None
    recoveries: int = 0

    def with_code(self, code: str) -> "Account":
        """Return the account with another recovery code."""
        return self.model_copy(update={"recovery_hash": code_hash(code), "recoveries": self.recoveries + 1})


def new_account(kind: type[Account], person_id: str) -> Account:
    """Return the account of somebody who has none yet, of the kind of their role."""
    return kind(id=person_id, user_handle=secrets.token_hex(32))


def new_code() -> str:
    """Return a recovery code, as it is shown."""
    text = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(text[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP))


def code_hash(code: str) -> str:
    """Return what is kept of a recovery code, however it was typed.

    >>> code_hash("0123-4567-89AB") == code_hash(" o123 4567 89ab")
    True
    """
    plain = re.sub(r"[^0-9a-z]", "", code[:200].lower()).translate(_ALIKE)
    return hashlib.sha256(f"recovery {plain}".encode()).hexdigest()
