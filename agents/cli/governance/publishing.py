"""`wanderbuch governance publish`: into a folder that any web server serves, or to an authority agent as a draft."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec.structs import asdict

from wanderbuch.agents.cli.governance.authority_client import AnsweredNoError, AuthorityClient
from wanderbuch.agents.cli.governance.files import document_in, parts_in
from wanderbuch.agents.cli.governance.keys import read_file
from wanderbuch.agents.cli.governance.network import edge_for
from wanderbuch.agents.cli.governance.output import JsonOption, console, print_json, refused
from wanderbuch.agents.cli.governance.published_folder import PublishedFolder
from wanderbuch.agents.cli.governance.signing import (
    AuthorOption,
    CaFileOption,
    ConnectOption,
    DidLogOption,
    keys_from,
)
from wanderbuch.agents.cli.terminal_text import counted
from wanderbuch.errors import ConfigurationError, GovernanceError
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.form.records import split
from wanderbuch.governance.form.validation import MAX_DEPTH, MAX_FILE_BYTES, parse_file
from wanderbuch.governance.signed.freshness import MAX_FRESHNESS_BYTES, FreshnessStatement, verify_freshness
from wanderbuch.governance.signed.jws import KeyResolver, unverified_payload
from wanderbuch.governance.signed.signing import MAX_JWS_BYTES, SignedGovernanceFile, digest_of, verify_file
from wanderbuch.strict_json import read_strict_json

_TIMEOUT_S = 60.0


def publish(
    file: Annotated[Path, typer.Argument(help="With --folder, the signed file; with --agent, the file as JSON.")],
    folder: Annotated[
        Path | None, typer.Option(help="Folder that is served at the governance URL.", metavar="DIR")
    ] = None,
    freshness: Annotated[
        Path | None, typer.Option(help="With --folder: the freshness statement to put beside it.", metavar="FILE")
    ] = None,
    parts: Annotated[
        Path | None, typer.Option(help="With --folder: where the parts of a divided file lie.", metavar="DIR")
    ] = None,
    author: AuthorOption = None,
    did_log: DidLogOption = None,
    agent: Annotated[str | None, typer.Option(help="REST address of an authority agent.", metavar="URL")] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="With --agent: token of an official who may edit.", metavar="FILE")
    ] = None,
    why: Annotated[str | None, typer.Option(help="With --agent: why; public, and nothing about workers.")] = None,
    direct: Annotated[
        bool, typer.Option("--direct", help="With --agent: as the operator, without a draft (needs four_eyes = false).")
    ] = False,
    ca_file: CaFileOption = None,
    connect: ConnectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish a version. An agent's officials approve it first; a folder takes only what is signed and newer."""
    if (folder is None) == (agent is None):
        raise ConfigurationError("say where to: --folder DIR or --agent URL")
    try:
        if folder is not None:
            told = asyncio.run(_to_folder(file, folder, freshness, parts, author, did_log, ca_file, connect))
        elif token_file is None or agent is None:
            raise ConfigurationError("the agent needs a token", hint="--token-file FILE")
        elif direct:
            told = asyncio.run(_directly(file, agent, token_file))
        elif why is None:
            raise ConfigurationError("a draft needs a reason", hint="--why TEXT")
        else:
            told = asyncio.run(_as_draft(file, agent, token_file, why, ca_file, connect))
    except GovernanceError as err:
        refused(err, as_json=as_json)
    if as_json:
        print_json({"ok": True, **told})
    else:
        console().print(told["text"])


async def _to_folder(
    file: Path,
    folder: Path,
    freshness: Path | None,
    parts: Path | None,
    author: str | None,
    did_log: list[Path] | None,
    ca_file: Path | None,
    connect: list[str] | None,
) -> dict[str, Any]:
    jws = read_file(file, max_bytes=MAX_JWS_BYTES)
    target, now = PublishedFolder(folder), datetime.now(UTC)
    current = target.current
    pinned = None if author is None else Did.parse(author)
    async with keys_from(did_log, ca_file=ca_file, connect=connect) as resolve_key:
        governance_file = None if current is None else parse_file(unverified_payload(current))
        signed = await verify_file(
            jws, author=pinned, resolve_key=resolve_key, previous=_before(governance_file, jws, current)
        )
        statement = None if freshness is None else await _statement(freshness, signed, resolve_key, now)
        held_statement = await _held_statement(folder, signed, resolve_key, now)
    is_new = target.publish(
        signed,
        statement,
        current_file=governance_file,
        held_statement=held_statement,
        read_part=parts_in(parts or file.parent / "parts"),
    )
    what = "is now current" if is_new else "was current already"
    text = f"Version {signed.file.version} of {signed.file.name} {what} in {folder}"
    if statement is None and is_new:
        text += "\nWithout a newer freshness statement, every decision on it is STALE (--freshness FILE)."
    return {**asdict(signed.ref), "new": is_new, "folder": str(folder), "text": text}


def _before(current_file: GovernanceFile | None, jws: bytes, current: bytes | None) -> GovernanceFile | None:
    """Return the version whose parties must have signed too; a version that is there already is not its own next."""
    return None if current == jws else current_file


async def _statement(
    path: Path, signed: SignedGovernanceFile, resolve_key: KeyResolver, at: datetime
) -> tuple[FreshnessStatement, bytes]:
    received = read_file(path, max_bytes=MAX_FRESHNESS_BYTES)
    statement = await verify_freshness(received, author=signed.file.author, resolve_key=resolve_key, at=at)
    if statement.ref != signed.ref:
        raise GovernanceError("expected a freshness statement about exactly this file, found one about another")
    return statement, received


async def _held_statement(
    folder: Path, signed: SignedGovernanceFile, resolve_key: KeyResolver, at: datetime
) -> FreshnessStatement | None:
    """Return the statement that is served now, None if there is none that this author made."""
    path = folder / "freshness.jws"
    if not path.exists():
        return None
    try:
        received = read_file(path, max_bytes=MAX_FRESHNESS_BYTES)
        return await verify_freshness(received, author=signed.file.author, resolve_key=resolve_key, at=at)
    except GovernanceError:  # a key that was rotated out, or a damaged file: nothing to go back from
        return None


async def _directly(file: Path, agent: str, token_file: Path) -> dict[str, Any]:
    payload = document_in(file)
    async with AuthorityClient(agent, token_file) as client:
        version = await client.ask("POST", "/versions", {"payload": payload})
    text = f"Version {version.get('version')} is {str(version.get('state', '')).lower()}: {version.get('url')}"
    return {"version": version, "text": text}


async def _as_draft(
    file: Path, agent: str, token_file: Path, why: str, ca_file: Path | None, connect: list[str] | None
) -> dict[str, Any]:
    """Open a draft with everything in which the file differs from what is published, and give it to the approvers."""
    from wanderbuch.agents.authority.changes import header_parts

    document = document_in(file)
    header, records = split(document)
    async with AuthorityClient(agent, token_file) as client:
        about = await client.ask("GET", "/identity")
        if about.get("did") != document["author"]:
            raise GovernanceError(f"the agent is {about.get('did')}; the author of the file is {document['author']}")
        published = await _published(about.get("current"), ca_file, connect)
        header_before, records_before = split(published)
        wanted, before = header_parts(header), header_parts(header_before)
        changed_header = _changes(before, wanted)
        changed_records = _changes(records_before, records)
        if not changed_header and not changed_records:
            return {"draft": None, "text": "Nothing is different from what is published; no draft was opened."}
        draft = await client.ask("POST", "/drafts", {"why": why})
        path = f"/drafts/{draft['id']}"
        try:
            await client.ask("PATCH", path, {"header": changed_header, "records": changed_records})
            draft = await client.ask("POST", f"{path}/submit")
        except AnsweredNoError as err:
            raise AnsweredNoError(err.message, hint=f"draft {draft['id']} stays open at the desk") from err
    number = len(changed_header) + len(changed_records)
    return {
        "draft": draft,
        "text": f"Draft {draft['id']} changes {counted(number, 'part')} and is {str(draft.get('state', '')).lower()}; "
        "another official approves it.",
    }


def _changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return the new value of every part that differs, None for one that went."""
    return {key: after.get(key) for key in {**before, **after} if before.get(key) != after.get(key)}


async def _published(current: dict[str, Any] | None, ca_file: Path | None, connect: list[str] | None) -> dict[str, Any]:
    """Return the file that is published, an empty one if there is none.

    It is fetched from its public address, and must be the one that the agent itself names by digest.
    """
    if current is None:
        return {}
    async with edge_for(ca_file, connect) as edge:
        fetched = await edge.get(current["url"], max_bytes=MAX_JWS_BYTES, timeout_s=_TIMEOUT_S)
        if digest_of(fetched.body) != current["digest"]:
            raise GovernanceError(f"expected {current['digest']} at {current['url']}, found another file")
        payload = unverified_payload(fetched.body)
        document = read_strict_json(payload, max_bytes=MAX_FILE_BYTES, max_depth=MAX_DEPTH)
        division = parse_file(payload).division
        if division is None:
            return dict(document)
        from wanderbuch.governance.divided.division import checked_part, gather, part_name

        base = current["url"].rpartition("/versions/")[0]
        parts = {}
        for part in division.parts:
            body = await edge.get(f"{base}/{part_name(part.digest)}", max_bytes=part.size, timeout_s=_TIMEOUT_S)
            parts[part.digest] = checked_part(part, body.body)
    return gather(document, lambda digest: parts[digest])
