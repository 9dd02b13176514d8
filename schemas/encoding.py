"""Raw values as AnonCreds signs them, and revealed raw values read back.

The AnonCreds specification leaves the encoding to the issuer. This is the one of Aries RFC 0036, "Encoding Claims",
which the anoncreds library, ACA-Py and Credo share: an int32 is itself, anything else is the SHA-256 of its UTF-8
form, read as an unsigned big-endian integer.
"""

from hashlib import sha256

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.canonical import Value, ValueMismatch, from_raw
from wanderbuch.schemas.credential_type import Attribute, CredentialType

_INT32 = range(-(2**31), 2**31)


def encode(raw: str) -> str:
    """Return the decimal integer that AnonCreds signs for a canonical raw value.

    Only canonical values have one encoding everywhere (see `canonical`); ask `is_canonical` first.

    >>> encode("20240131"), encode("C7212")[:8]
    ('20240131', '19062043')
    """
    try:
        number = int(raw)
    except ValueError:  # not a number, or longer than Python reads
        pass
    else:
        if number in _INT32:
            return str(number)
    return str(int.from_bytes(sha256(raw.encode()).digest()))


def is_canonical(attribute: Attribute, raw: object) -> bool:
    """Return whether `raw` is the one text that stands for a value of the attribute.

    A level is canonical if any known framework has it; whether its own framework has it is for `claims` to say.
    """
    try:
        from_raw(attribute, raw)
    except ValueMismatch:
        return False
    return True


def parse_revealed(credential_type: CredentialType, name: str, raw: object) -> Value:
    """Return the value that a revealed raw text stands for.

    Returns:
        str for text, code and level, int for integer, date for date; None if the credential says that there is none:
        `expires_on` that does not expire, `crosswalk_version` where no crosswalk was used.

    Raises:
        CredentialError: the type has no such attribute, or the text is not in canonical form (the value is not
            repeated).

    >>> from wanderbuch.schemas.credential_type import load_credential_type
    >>> qualification = load_credential_type("qualification/1.0")
    >>> parse_revealed(qualification, "awarded_on", "20240131")
    datetime.date(2024, 1, 31)
    >>> parse_revealed(qualification, "expires_on", "99991231") is None
    True
    """
    attribute = credential_type.attribute(name)
    try:
        return from_raw(attribute, raw)
    except ValueMismatch as mismatch:
        raise CredentialError(f"{credential_type.id}: {name}: {mismatch}") from None
