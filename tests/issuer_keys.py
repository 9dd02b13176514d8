"""Keys of credential definitions, for all tests of a session: the library looks for two safe primes, for seconds.

Keys depend on the names of the attributes alone. For those of our tests the library made some once
(`tests/vectors/issuer_keys`, by `make_issuer_keys.py`); of others the first definitions are made as always. Whoever
makes a definition gets such keys, under its own name. A process of tests, with the agents that it starts, takes them in
turn, so that issuers who deal with the same people have keys of their own. Demo and soak tests look for primes each
time.

What a credential, a request and a proof cost is powers modulo such a number. Where tests are about what is built on the
library, a short one does (512 bits instead of 2,048): all that is signed, proven and verified takes a fifth. So it is
in `tests/unit` but where our wallet in TypeScript reads keys, which refuses short ones (`tests/unit/wallet`). All
agents, and all wallets of others, have keys of full length; but one that issues so much that nobody could wait for it
(`tests/soak/short_keyed.py`).
"""

import fcntl
import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
from anoncreds import CredentialDefinition, CredentialDefinitionPrivate, KeyCorrectnessProof, Schema

type Made = tuple[CredentialDefinition, CredentialDefinitionPrivate, KeyCorrectnessProof]

_FOLDER: Final = "WANDERBUCH_TESTS_ISSUER_KEYS"  # in the environment, so that processes of tests share it
_SHORT: Final = "WANDERBUCH_TESTS_SHORT_KEYS"  # in the environment, where issuers have short keys
_WORKER: Final = "PYTEST_XDIST_WORKER"  # in the environment of a worker and of its agents
_DIFFERENT: Final = 5
SHORT: Final = "short-"
_UNITS: Final = "tests/unit/"
_READ_BY_OUR_WALLET: Final = "tests/unit/wallet/"
MADE: Final = Path(__file__).parent / "vectors" / "issuer_keys"


def keep_issuer_keys(config: pytest.Config) -> None:
    """Make the session's folder, unless the process that started this one did; take keys from it."""
    if _FOLDER not in os.environ:
        os.environ[_FOLDER] = folder = tempfile.mkdtemp(prefix="wb-issuer-keys-")
        config.add_cleanup(lambda: shutil.rmtree(folder))
    use_kept_keys()


def share_issuer_keys(folder: Path) -> None:
    """Have agents that start from now on take such keys, where no session of tests does."""
    os.environ.setdefault(_FOLDER, str(folder))


def choose_length(nodeid: str) -> None:
    """Let issuers have short keys from now on, or those of full length, as a test needs them."""
    if nodeid.startswith(_UNITS) and not nodeid.startswith(_READ_BY_OUR_WALLET):
        os.environ[_SHORT] = "1"
    else:
        os.environ.pop(_SHORT, None)


def use_short_keys() -> None:
    """Let this process alone, and those that it starts, take short keys from the session's folder."""
    os.environ[_SHORT] = "1"
    use_kept_keys()


def use_kept_keys() -> None:
    """Let this process, and those forked from it, take keys from the session's folder."""
    folder = Path(os.environ[_FOLDER])
    look_for_primes = CredentialDefinition.create

    def create(
        schema_id: str,
        schema: dict[str, Any] | str | Schema,
        issuer_id: str,
        tag: str,
        signature_type: str,
        *,
        support_revocation: bool = False,
    ) -> Made:
        read = schema if isinstance(schema, Schema) else Schema.load(schema)
        kind = kind_of(read.to_dict()["attrNames"], is_revocable=support_revocation)
        names = (schema_id, issuer_id, tag)
        turn = _next(folder / f"turns-{os.environ.get(_WORKER, 'alone')}")
        prefix = SHORT if _SHORT in os.environ else ""
        if made := sorted(MADE.glob(f"{prefix}{kind}-*.json.gz")):
            return _named(gzip.decompress(made[turn % len(made)].read_bytes()), names)
        kept = folder / f"{kind}-{turn % _DIFFERENT}"
        return _made_once(
            kept,
            names,
            lambda: look_for_primes(
                schema_id, read, issuer_id, tag, signature_type, support_revocation=support_revocation
            ),
        )

    CredentialDefinition.create = create


def kind_of(attributes: Iterable[str], *, is_revocable: bool) -> str:
    """Return what keys of these attributes are called."""
    return sha256(json.dumps([sorted(attributes), is_revocable]).encode()).hexdigest()[:16]


def _next(turns: Path) -> int:
    """Return how many have asked before, here and in processes forked from this one."""
    with turns.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(b".")
        return file.tell() - 1


def _made_once(kept: Path, names: tuple[str, str, str], make: Callable[[], Made]) -> Made:
    with kept.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if not (text := file.read()):
            made = make()
            file.write(json.dumps([part.to_dict() for part in made]))
            return made
    return _named(text, names)


def _named(text: str | bytes, names: tuple[str, str, str]) -> Made:
    public, private, proof = json.loads(text)
    public |= dict(zip(("schemaId", "issuerId", "tag"), names, strict=True))
    return (
        CredentialDefinition.load(public),
        CredentialDefinitionPrivate.load(private),
        KeyCorrectnessProof.load(proof),
    )
