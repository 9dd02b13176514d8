"""Make the keys that issuers of tests have: `python -m tests.vectors.make_issuer_keys`.

Nobody's secrets: they stand in the open. They are what the library makes for the attributes alone; `tests.issuer_keys`
gives them the names of a test's issuer. Those that are there stay.
"""

import gzip
import json
from collections.abc import Sequence

from anoncreds import CredentialDefinition, Schema
from tests.issuer_keys import MADE, kind_of
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


def main() -> None:
    """Make those that are missing."""
    MADE.mkdir(exist_ok=True)
    for attributes, is_revocable, count in KINDS:
        for number in range(count):
            file = MADE / f"{kind_of(attributes, is_revocable=is_revocable)}-{number}.json.gz"
            if not file.exists():
                schema = Schema.create("test", "1.0", "did:example:authority", list(attributes))
                made = CredentialDefinition.create(
                    "did:example:schema", schema, "did:example:issuer", "test", "CL", support_revocation=is_revocable
                )
                content = json.dumps([part.to_dict() for part in made]).encode()
                file.write_bytes(gzip.compress(content, mtime=0))


if __name__ == "__main__":
    main()
