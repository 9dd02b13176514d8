"""`wanderbuch witness`: look at what an authority wants to change in its DID, and approve it.

Exit codes: 0 approved, 1 the person said no, 2 a mistake, or an entry that must not be approved.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from wanderbuch.agents.cli.governance.keys import private_key_in, read_file
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.webvh.approval import EntryToApprove, approve, examine
from wanderbuch.plugins.webvh.entries import MAX_LOG_BYTES
from wanderbuch.plugins.webvh.keys import to_multikey
from wanderbuch.plugins.webvh.memory import Seen
from wanderbuch.plugins.webvh.publisher import replace_file
from wanderbuch.plugins.webvh.witnesses import MAX_WITNESS_BYTES
from wanderbuch.strict_json import StrictJsonError, read_strict_json

EXIT_NO: Final = 1
_MAX_SEEN_BYTES: Final = 1024 * 1024
_MAX_REQUEST_BYTES: Final = MAX_LOG_BYTES + MAX_WITNESS_BYTES
_MAX_DEPTH: Final = 4

app = typer.Typer(help="Approve changes of an authority's DID as one of its witnesses.", no_args_is_help=True)

KeyOption = Annotated[
    Path, typer.Option("--key", help="The witness's Ed25519 private key (PEM); `openssl genpkey -algorithm ed25519`.")
]
LogOption = Annotated[
    Path | None, typer.Option("--log", help="The did.jsonl with the entry at its end; did-witness.json beside it.")
]
RequestOption = Annotated[
    Path | None,
    typer.Option("--request", help="In place of --log: what GET /v1/authority/did/witness-proofs answered."),
]
SeenOption = Annotated[
    Path | None,
    typer.Option("--seen", help="Where this witness keeps what it has approved; keep it. Default: beside the key."),
]


@app.command("did")
def show_did(key: KeyOption) -> None:
    r"""Print the witness's DID, for the authority's `\[public.witnesses]`."""
    public_key = private_key_in(key).public_key().public_bytes_raw()
    print(f"did:key:{to_multikey(public_key)}")  # noqa: T201


@app.command("approve")
def approve_entry(
    key: KeyOption,
    log: LogOption = None,
    request: RequestOption = None,
    seen: SeenOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve without asking, when a program has looked.")] = False,
) -> None:
    """Check the entry that waits, show what it changes, ask, and print the proof as JSON.

    An entry is refused that breaks a rule of did:webvh, or that does not go on from what this witness has seen: nobody
    gets two different entries of one number approved by the same witness.
    """
    secret = private_key_in(key)
    received_log, received_proofs = _received(log, request)
    memory = seen or key.with_name(f"{key.name}.seen.json")
    remembered = _read_memory(memory)
    entry = asyncio.run(_examined(received_log, received_proofs, remembered))
    proof = approve(entry, secret, at=datetime.now(UTC))
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    for line in describe(entry):
        console.print(line)
    if not yes and not typer.confirm("Approve this entry?", err=True):
        raise typer.Exit(EXIT_NO)
    # Kept before it is given away: a proof that nobody remembers could be followed by another for the same number.
    replace_file(memory, json.dumps({**remembered, entry.did.scid: asdict(entry.seen)}, indent=1).encode())
    print(json.dumps({"proof": proof}))  # noqa: T201


def describe(entry: EntryToApprove) -> list[str]:
    """Return what the entry changes, one thing a line, for a person."""
    before, after = entry.document_before or {}, entry.document
    lines = [f"DID: {entry.did}", f"entry: {entry.version_id}"]
    if before and before.get("id") != after.get("id"):
        lines.append(f"the DID moves here; before it was {before.get('id')}")
    for name in sorted({*before, *after} - {"@context", "id"}):
        lines += _changes(name, _items(before.get(name)), _items(after.get(name)))
    if "witness" in entry.parameters:
        lines.append(f"witnesses from the next entry on: {json.dumps(entry.parameters['witness'])}")
    if entry.parameters.get("deactivated"):
        lines.append("the DID ends with this entry, for ever")
    if len(lines) == 2:
        lines.append("the document stays as it is")
    return lines


def _changes(name: str, before: list[str], after: list[str]) -> list[str]:
    gone = [f"- {name}: {line}" for line in before if line not in after]
    return gone + [f"+ {name}: {line}" for line in after if line not in before]


def _items(value: Any) -> list[str]:
    return [json.dumps(item, sort_keys=True) for item in (value if isinstance(value, list) else [value]) if item]


async def _examined(
    received_log: bytes, received_proofs: bytes | None, memory: Mapping[str, Mapping[str, Any]]
) -> EntryToApprove:
    first = await examine(received_log, received_proofs, seen=None)
    known = memory.get(first.did.scid)
    if known is None:
        return first
    return await examine(received_log, received_proofs, seen=Seen(int(known["number"]), str(known["entry"])))


def _received(log: Path | None, request: Path | None) -> tuple[bytes, bytes | None]:
    if (log is None) == (request is None):
        raise ConfigurationError("expected --log or --request", hint="--log did.jsonl")
    if log is not None:
        beside = log.with_name("did-witness.json")
        proofs = read_file(beside, max_bytes=MAX_WITNESS_BYTES) if beside.exists() else None
        return read_file(log, max_bytes=MAX_LOG_BYTES), proofs
    assert request is not None  # noqa: S101 (one of the two is there)
    try:
        received = read_file(request, max_bytes=_MAX_REQUEST_BYTES)
        waiting = read_strict_json(received, max_bytes=_MAX_REQUEST_BYTES, max_depth=_MAX_DEPTH)["waiting"]
        return str(waiting["log"]).encode(), str(waiting["proofs"]).encode()
    except (StrictJsonError, LookupError, TypeError) as err:
        raise ConfigurationError(f"expected the answer of GET /v1/authority/did/witness-proofs in {request}") from err


def _read_memory(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    try:
        document = json.loads(read_file(path, max_bytes=_MAX_SEEN_BYTES))
        return {
            str(scid): {"number": int(seen["number"]), "entry": str(seen["entry"])} for scid, seen in document.items()
        }
    except (ValueError, LookupError, TypeError, AttributeError) as err:
        raise ConfigurationError(
            f"{path} is damaged: this witness does not know what it has approved", hint="restore it from a copy"
        ) from err
