"""`wanderbuch governance init`: a first draft of the file, or the settings of a new authority's agent."""

import re
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import base58
import typer

from wanderbuch.agents.cli.governance.output import JsonOption, console, json_bytes, print_json, refused, write_new_file
from wanderbuch.agents.runtime.secret_files import write_secret
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.findings import GovernanceFileError
from wanderbuch.governance.identifiers import Did
from wanderbuch.governance.starting import AgentBeginning, Beginning, agent_settings, first_draft
from wanderbuch.governance.validation import validate_file

_ECOSYSTEM = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_LINK = re.compile(r"(https?://|mailto:|tel:|urn:)[!-~]{1,2000}")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?")


def init(
    out: Annotated[Path | None, typer.Option(help="Where to write the first draft.", metavar="FILE")] = None,
    agent_config: Annotated[
        Path | None,
        typer.Option(
            help="Instead, write settings of an authority agent here, and its secrets beside.", metavar="FILE"
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the ecosystem: Vocational qualifications of …")] = None,
    authority: Annotated[str | None, typer.Option(help="How people call the authority.")] = None,
    author: Annotated[str | None, typer.Option(help="DID of the authority (its agent shows it).")] = None,
    schema: Annotated[
        list[str] | None, typer.Option(help="Schema of a credential type; the agent shows the ids.", metavar="TYPE=ID")
    ] = None,
    website: Annotated[str | None, typer.Option(help="The authority's address on the web.")] = None,
    docs_uri: Annotated[str | None, typer.Option("--rules", help="Where the rules can be read.", metavar="URL")] = None,
    host: Annotated[str | None, typer.Option(help="Agent: its public name, such as authority.example.org.")] = None,
    ecosystem: Annotated[str | None, typer.Option(help="Agent: name in web addresses, such as sri-lanka.")] = None,
    redress: Annotated[str | None, typer.Option(help="Agent: whom to appeal to, an address people can follow.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a first draft that is valid and trusts nobody yet. Asks for what no option says."""
    if (out is None) == (agent_config is None):
        raise ConfigurationError("say what to write: --out FILE (the draft) or --agent-config FILE")
    if agent_config is not None:
        _write_agent(agent_config, authority, host, ecosystem, redress, force=force, as_json=as_json)
        return
    missing = _Missing()
    beginning = Beginning(
        name=missing.ask("--name", "Name of the ecosystem", name),
        author=Did.parse(missing.ask("--author", "DID of the authority", author)),
        authority_name=missing.ask("--authority", "How people call the authority", authority),
        schemas=_schemas(schema or [missing.ask("--schema", "Credential type and schema, as TYPE=ID", None)]),
        website=website,
        docs_uri=docs_uri,
    )
    draft = first_draft(beginning, file_id=uuid4(), participants_id=uuid4(), at=datetime.now(UTC))
    content = json_bytes(draft)
    report = validate_file(content)
    if report.file is None:
        refused(GovernanceFileError(report.findings), as_json=as_json)
    target = out or Path()
    write_new_file(target, content, force=force)
    if as_json:
        print_json({"ok": True, "id": draft["id"], "file": str(target)})
    else:
        console().print(f"Version 1 of {beginning.name} is in {target}. It accredits nobody yet.")
        console().print("Next: `wanderbuch governance import LIST --into FILE`, or edit it, then sign and publish.")


def _write_agent(
    path: Path,
    authority: str | None,
    host: str | None,
    ecosystem: str | None,
    redress: str | None,
    *,
    force: bool,
    as_json: bool,
) -> None:
    missing = _Missing()
    beginning = AgentBeginning(
        name=missing.ask("--authority", "How people call the authority", authority),
        host=missing.ask("--host", "Public name, such as authority.example.org", host),
        ecosystem=missing.ask("--ecosystem", "Name in web addresses, such as sri-lanka", ecosystem),
        credential_types=("qualification/1.0",),
        redress=missing.ask("--redress", "Whom to appeal to (an address)", redress),
    )
    for option, pattern, text, example in (
        ("--host", _HOST, beginning.host, "authority.example.org"),
        ("--ecosystem", _ECOSYSTEM, beginning.ecosystem, "sri-lanka"),
        ("--redress", _LINK, beginning.redress, "https://authority.example.org/appeals"),
    ):
        if not pattern.fullmatch(text):
            raise ConfigurationError(f"expected {option} such as {example}, found {text[:80]!r}")
    write_new_file(path, agent_settings(beginning).encode(), force=force)
    made = [
        file.name
        for file, secret in (
            (path.with_name("app.token"), secrets.token_urlsafe(32)),
            (path.with_name("wallet.key"), base58.b58encode(secrets.token_bytes(32)).decode("ascii")),
        )
        if _write_secret(file, secret)
    ]
    if as_json:
        print_json({"ok": True, "file": str(path), "secrets": made})
        return
    to = console()
    to.print(f"Settings are in {path}; {' and '.join(made) if made else 'the secrets that were there stay'} beside it.")
    to.print("Put the host's certificate beside it (public.crt, public.key), then:")
    to.print(f"  wanderbuch authority run --config {path}")


def _write_secret(path: Path, secret: str) -> bool:
    """Write a secret for its owner alone; one that is there stays. Return whether it was written."""
    try:
        write_secret(path, f"{secret}\n".encode())
    except FileExistsError:
        return False
    except OSError as err:
        raise ConfigurationError(f"can not write {path}: {err.strerror}") from err
    return True


def _schemas(given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given:
        name, mark, schema = each.partition("=")
        if not mark or not name or not schema:
            raise ConfigurationError(
                f"expected TYPE=ID for --schema, found {each[:80]!r}", hint="qualification/1.0=did:…"
            )
        if name in found:
            raise ConfigurationError(f"expected one schema for {name}, found two")
        found[name] = schema
    return found


class _Missing:
    """Asks at a terminal for what no option says; elsewhere, names the option."""

    def ask(self, option: str, question: str, given: str | None) -> str:
        if given is not None:
            return given
        if not sys.stdin.isatty():
            raise ConfigurationError(f"expected {option}, found none", hint=question)
        return str(typer.prompt(question))
