"""Make the keys that issuers of tests have: `python -m tests.vectors.make_issuer_keys`.

Nobody's secrets: they stand in the open. They are what the library makes for the attributes alone; `tests.issuer_keys`
gives them the names of a test's issuer. Those that are there stay.

Short ones are made here, in the same manner, since the library makes none (AnonCreds specification, "Issuer Create and
Publish Credential Definition"); openssl looks for the primes.
"""

import gzip
import json
import secrets
import subprocess
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, Final

from anoncreds import CredentialDefinition, Schema
from tests.issuer_keys import MADE, SHORT, kind_of
from tests.unit.schemas.odd_names import ODD_NAMES

from wanderbuch.schemas.credential_type import load_credential_type

# Attributes, whether revocable, and of how many issuers that deal with the same people.
KINDS: Sequence[tuple[Sequence[str], bool, int]] = (
    (load_credential_type("qualification/1.0").attr_names, True, 5),
    (load_credential_type("qualification/1.0").attr_names, False, 1),
    (load_credential_type("experience/1.0").attr_names, True, 2),
    (load_credential_type("language/1.0").attr_names, True, 2),
    (("occupation", "level"), True, 2),
    (ODD_NAMES, False, 1),
)


_BITS: Final = 512


def main() -> None:
    """Make those that are missing."""
    MADE.mkdir(exist_ok=True)
    for attributes, is_revocable, count in KINDS:
        for number in range(count):
            name = f"{kind_of(attributes, is_revocable=is_revocable)}-{number}.json.gz"
            if not (full := MADE / name).exists():
                schema = Schema.create("test", "1.0", "did:example:authority", list(attributes))
                made = CredentialDefinition.create(
                    "did:example:schema", schema, "did:example:issuer", "test", "CL", support_revocation=is_revocable
                )
                full.write_bytes(_packed([part.to_dict() for part in made]))
            if not (short := MADE / f"{SHORT}{name}").exists():
                short.write_bytes(_packed(_shortened(*json.loads(gzip.decompress(full.read_bytes())))))


def _packed(made: Any) -> bytes:
    return gzip.compress(json.dumps(made).encode(), mtime=0)


def _shortened(public: Any, private: Any, proof: Any) -> tuple[Any, Any, Any]:
    """Return a key with short primes for the same attributes; what revokes stays."""
    names = [name for name, _ in proof["xr_cap"]]
    p, q = _safe_prime(), _safe_prime()
    n, order = p * q, (p - 1) // 2 * ((q - 1) // 2)
    s = pow(2 + secrets.randbelow(n - 2), 2, n)
    xz, *xr = (2 + secrets.randbelow(order - 2) for _ in (None, *names))
    hidden_z, *hidden_r = (secrets.randbits(2 * _BITS + 256) for _ in (None, *names))
    z, *r = (pow(s, exponent, n) for exponent in (xz, *xr))
    c = _hash([z, *r, pow(s, hidden_z, n), *(pow(s, exponent, n) for exponent in hidden_r)])
    public["value"]["primary"] = {
        "n": str(n),
        "s": str(s),
        "r": {name: str(power) for name, power in zip(names, r, strict=True)},
        "rctxt": str(pow(s, 2 + secrets.randbelow(order - 2), n)),
        "z": str(z),
    }
    private["value"]["p_key"] = {"p": str((p - 1) // 2), "q": str((q - 1) // 2)}
    proof |= {
        "c": str(c),
        "xz_cap": str(c * xz + hidden_z),
        "xr_cap": [[name, str(c * x + hidden)] for name, x, hidden in zip(names, xr, hidden_r, strict=True)],
    }
    return public, private, proof


def _safe_prime() -> int:
    command = ["openssl", "prime", "-generate", "-safe", "-bits", str(_BITS // 2)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _hash(numbers: Iterable[int]) -> int:
    parts = (number.to_bytes((number.bit_length() + 7) // 8) for number in numbers)
    return int.from_bytes(sha256(b"".join(parts)).digest())


if __name__ == "__main__":
    main()
