"""A ledger's genesis file: which nodes it began with, and so whose word counts. Checked before any node is asked."""

import hashlib
from pathlib import Path
from typing import Any, Final

from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.indy.config import IndyLedgerConfig
from wanderbuch.plugins.indy.errors import GenesisError
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_MAX_BYTES: Final = 1024 * 1024
_MAX_NODES: Final = 200
_MAX_DEPTH: Final = 16
_NODE: Final = "0"  # the type of a transaction that names a node
_TIMEOUT_S: Final = 10.0


async def genesis_of(config: IndyLedgerConfig, edge: HttpEdge) -> str:
    """Return a ledger's genesis transactions, from its file or its address.

    Raises:
        GenesisError: they are none, or not the ones of `genesis_digest`.
        HttpError: they could not be fetched.
    """
    if config.genesis_url is None:
        return read_genesis(config)
    body = (await edge.get(config.genesis_url, max_bytes=_MAX_BYTES, timeout_s=_TIMEOUT_S)).body
    digest = hashlib.sha256(body).hexdigest()
    if config.genesis_digest != digest:
        raise GenesisError(
            f"expected a genesis file with the digest {config.genesis_digest} at {config.genesis_url}, found {digest}"
        )
    return _checked(body, config.genesis_url)


def read_genesis(config: IndyLedgerConfig) -> str:
    """Return what stands in the configured file; nothing where an address is configured. Errors as `genesis_of`."""
    path: Path | None = config.genesis_file
    if path is None:
        return ""
    try:
        with path.open("rb") as file:
            body = file.read(_MAX_BYTES + 1)
    except OSError as err:
        raise GenesisError(
            f"the genesis file {path} of the Indy ledger {config.namespace} cannot be read: {err.strerror}"
        ) from err
    return _checked(body, str(path))


def _checked(body: bytes, place: str) -> str:
    if len(body) > _MAX_BYTES:
        raise GenesisError(f"{place} is not a genesis file: it has more than {_MAX_BYTES} bytes")
    try:
        text = body.decode()
        lines = [line for line in text.splitlines() if line.strip()]
        transactions = [read_strict_json(line, max_bytes=_MAX_BYTES, max_depth=_MAX_DEPTH) for line in lines]
    except (ValueError, StrictJsonError) as err:
        raise GenesisError(f"{place} is not a genesis file: expected one JSON object a line") from err
    nodes = [transaction for transaction in transactions if _is_node(transaction)]
    if not nodes or len(nodes) < len(transactions) or len(nodes) > _MAX_NODES:
        raise GenesisError(
            f"{place} is not the genesis file of a pool: expected 1 to {_MAX_NODES} transactions that name a node, "
            f"found {len(nodes)} of {len(transactions)}",
            hint="an Indy ledger has two genesis files; the one of its pool is needed",
        )
    return text


def _is_node(transaction: Any) -> bool:
    try:
        data = transaction["txn"]["data"]["data"]
        return (
            transaction["txn"]["type"] == _NODE
            and isinstance(transaction["txn"]["data"]["dest"], str)
            and all(isinstance(data[name], str) for name in ("alias", "client_ip"))
            and isinstance(data["client_port"], int)
        )
    except (KeyError, TypeError):
        return False
