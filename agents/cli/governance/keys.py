"""Files that the user names, and keys: a signing key from a file, an author's from a DID log or from its host."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from wanderbuch.agents.cli.governance.network import edge_for
from wanderbuch.agents.runtime.secret_files import read_secret
from wanderbuch.errors import ConfigurationError, GovernanceError
from wanderbuch.governance.facts.identifiers import DidUrl, IdentifierError, WebvhDid
from wanderbuch.governance.signed.jws import KeyResolver, Signer

STANDARD_INPUT: Final = Path("-")
DEVICE: Final = Path("/dev/stdin")
_MAX_KEY_BYTES = 16_384
_MAKE_ONE = "`openssl genpkey -algorithm ed25519 -out key.pem` makes one"


def read_file(path: Path, *, max_bytes: int) -> bytes:
    """Return the bytes of a file the user named; `-` names standard input.

    Raises:
        ConfigurationError: it cannot be read, or is too long.
    """
    try:
        if path == STANDARD_INPUT:
            content = sys.stdin.buffer.read(max_bytes + 1)
        else:
            with path.open("rb") as stream:
                content = stream.read(max_bytes + 1)
    except OSError as err:
        raise ConfigurationError(f"cannot read {path}: {err.strerror}") from err
    if len(content) > max_bytes:
        raise ConfigurationError(f"expected at most {max_bytes} bytes in {path}, found more")
    return content


def read_secret_file(path: Path, what: str, *, max_bytes: int) -> bytes:
    """Return the bytes of a file with a secret; `-` names standard input, to which the same rules apply.

    Raises:
        ConfigurationError: others can read it, it cannot be read, or is too long.
    """
    return read_secret(DEVICE if path == STANDARD_INPUT else path, what, max_bytes=max_bytes)


def signer_from(path: Path) -> Signer:
    """Return a signer with the Ed25519 private key in the PEM file `path`.

    Raises:
        ConfigurationError: it cannot be read or holds no such key.
    """
    key = private_key_in(path)

    async def sign(message: bytes) -> bytes:
        return key.sign(message)

    return sign


def private_key_in(path: Path) -> Ed25519PrivateKey:
    """Return the Ed25519 private key in the PEM file `path`.

    Raises:
        ConfigurationError: it cannot be read, others can read it, or it holds no such key.
    """
    pem = read_secret_file(path, "private key", max_bytes=_MAX_KEY_BYTES)
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as err:
        raise ConfigurationError(
            f"expected an Ed25519 private key (PEM, no password) in {path}", hint=_MAKE_ONE
        ) from err
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"expected an Ed25519 key in {path}, found another kind", hint=_MAKE_ONE)
    return key


def keys_in_logs(log_files: tuple[Path, ...]) -> KeyResolver:
    """Return a resolver that answers from did.jsonl files (a did-witness.json lies beside each), without any network.

    A log is taken for the DID that it mentions, and then verified for that DID.
    """
    from wanderbuch.plugins.webvh.document import DidDocument
    from wanderbuch.plugins.webvh.entries import MAX_LOG_BYTES
    from wanderbuch.plugins.webvh.log import names_witnesses, verify_log
    from wanderbuch.plugins.webvh.witnesses import MAX_WITNESS_BYTES

    async def resolve(url: DidUrl) -> bytes:
        did = _webvh(url)
        logs = [(log_file, read_file(log_file, max_bytes=MAX_LOG_BYTES)) for log_file in log_files]
        log_file, received = next((log for log in logs if did.encode() in log[1]), logs[0])
        witness = None
        if names_witnesses(received):
            witness = read_file(log_file.with_name("did-witness.json"), max_bytes=MAX_WITNESS_BYTES)
        log = await verify_log(did, received, witness)
        if log.deactivated:
            raise GovernanceError(f"{did} was deactivated by its controller")
        key = DidDocument.of(did, log.version_id, log.document, log.names).assertion_keys.get(url)
        if key is None:
            raise GovernanceError(f"{url} does not stand in the assertionMethod of {did} now")
        return key

    return resolve


@asynccontextmanager
async def keys_online(*, ca_file: Path | None, connect: tuple[str, ...]) -> AsyncIterator[KeyResolver]:
    """Give a resolver that asks the author's host."""
    from wanderbuch.plugins.webvh.documents import WebvhDocuments
    from wanderbuch.plugins.webvh.memory import InMemoryLogMemory

    async with edge_for(ca_file, list(connect)) as edge:
        yield WebvhDocuments(edge, InMemoryLogMemory()).assertion_key


def _webvh(url: DidUrl) -> WebvhDid:
    try:
        return WebvhDid.parse(url.did)
    except IdentifierError as err:
        raise GovernanceError(f"expected a key of a did:webvh DID, found {url}") from err
