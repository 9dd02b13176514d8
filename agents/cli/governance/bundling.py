"""`wanderbuch governance bundle`: all that a decision needs in one file, for those who have no network."""

import asyncio
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import asdict

from wanderbuch.agents.cli.governance.network import edge_for
from wanderbuch.agents.cli.governance.output import JsonOption, console, print_json, refused, write_new_file
from wanderbuch.agents.cli.governance.signing import CaFileOption, ConnectOption
from wanderbuch.errors import GovernanceError
from wanderbuch.governance.facts.anoncreds_ids import RevRegDefId
from wanderbuch.governance.facts.identifiers import Did

if TYPE_CHECKING:
    from wanderbuch.plugins.trust.offline.bundling import MadeBundle


def bundle(
    url: Annotated[str, typer.Argument(help="Address of the governance files: https://…/governance/<name>.")],
    author: Annotated[str, typer.Option(help="DID of the authority that must have signed.")],
    out: Annotated[Path, typer.Option(help="Where to write the bundle.", metavar="FILE")],
    registry: Annotated[
        list[str] | None, typer.Option(help="Revocation registry whose newest status list is put in.", metavar="ID")
    ] = None,
    issuer: Annotated[
        list[str] | None, typer.Option(help="Only the definitions of this issuer; by default of all.", metavar="DID")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite --out.")] = False,
    ca_file: CaFileOption = None,
    connect: ConnectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch and check everything, and write it as one file; `query --bundle` asks it without any network."""
    pinned = Did.parse(author)
    registries = [RevRegDefId.parse(registry_id) for registry_id in registry or ()]
    issuers = None if issuer is None else [Did.parse(did) for did in issuer]
    address = url.removesuffix("/current.jws").rstrip("/")

    async def make() -> "MadeBundle":
        from wanderbuch.plugins.trust.offline.bundling import write_bundle

        async with edge_for(ca_file, connect) as edge:
            return await write_bundle(address, pinned, edge=edge, registries=registries, issuers=issuers)

    try:
        made = asyncio.run(make())
    except GovernanceError as err:
        refused(err, as_json=as_json)
    write_new_file(out, made.body, force=force, is_public=True)
    until = made.snapshot.fresh_until
    shown = None if until is None else until.astimezone(UTC).isoformat()
    notes = [reason.text for reason in made.notes]
    if as_json:
        ref = asdict(made.snapshot.ref)
        print_json({"ok": True, **ref, "bytes": len(made.body), "fresh_until": shown, "notes": notes, "file": str(out)})
        return
    to = console()
    to.print(f"Version {made.snapshot.file.version} of {made.snapshot.file.name}: {out}, {len(made.body)} bytes")
    to.print(f"Decisions on it are as good as online until {shown}; after that they are STALE and say what they were.")
    for note in notes:
        to.print(f"Left out: {note}")
