"""`wanderbuch governance init`: a first draft of the file, or the settings of a new authority's agent."""

import asyncio
import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

import typer

from wanderbuch.agents.cli.governance.answers import Answers
from wanderbuch.agents.cli.governance.authority_client import AuthorityClient
from wanderbuch.agents.cli.governance.checks import (
    country,
    credential_type_and_schema,
    day,
    did,
    framework_code,
    levels_to_eqf,
    line,
    link,
)
from wanderbuch.agents.cli.governance.files import document_in
from wanderbuch.agents.cli.governance.keys import read_file
from wanderbuch.agents.cli.governance.output import JsonOption, console, json_bytes, print_json, refused, write_new_file
from wanderbuch.agents.cli.governance.starting_agent import write_agent
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.form.findings import GovernanceFileError
from wanderbuch.governance.form.starting import Beginning, CrosswalkBeginning, brought_up, first_draft
from wanderbuch.governance.form.validation import validate_file
from wanderbuch.schemas.frameworks import Measure, frameworks

_MAX_SETTINGS: Final = 256 * 1024


def init(
    out: Annotated[Path | None, typer.Option(help="Where to write the first draft.", metavar="FILE")] = None,
    agent_config: Annotated[
        Path | None,
        typer.Option(
            help="Instead, write settings of an authority agent here, and its secrets beside.", metavar="FILE"
        ),
    ] = None,
    agent: Annotated[
        str | None,
        typer.Option(
            help="Ask this agent who the authority is: its app address, http://127.0.0.1:8081.", metavar="URL"
        ),
    ] = None,
    token_file: Annotated[Path | None, typer.Option(help="A token for that agent.", metavar="FILE")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Find that agent by its settings (authority.toml).", metavar="FILE")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the ecosystem: Vocational qualifications of …")] = None,
    authority: Annotated[str | None, typer.Option(help="How people call the authority.")] = None,
    author: Annotated[str | None, typer.Option(help="DID of the authority (its agent shows it).")] = None,
    schema: Annotated[
        list[str] | None, typer.Option(help="Schema of a credential type; the agent shows the ids.", metavar="TYPE=ID")
    ] = None,
    website: Annotated[str | None, typer.Option(help="The authority's address on the web.")] = None,
    docs_uri: Annotated[str | None, typer.Option("--rules", help="Where the rules can be read.", metavar="URL")] = None,
    country_: Annotated[
        str | None, typer.Option("--country", help="Country whose framework the levels are of: a name or a code.")
    ] = None,
    framework: Annotated[
        str | None, typer.Option(help="National framework that a crosswalk maps to EQF, such as LK-NVQ.")
    ] = None,
    crosswalk: Annotated[
        str | None,
        typer.Option(
            help="Its levels and their EQF levels, lowest first; '7=-' where nothing maps.", metavar="1=1,2=2"
        ),
    ] = None,
    crosswalk_source: Annotated[str | None, typer.Option(help="Where that comparison can be read.")] = None,
    crosswalk_from: Annotated[
        str | None, typer.Option(help="First day of awards that it is for.", metavar="DAY")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Agent: its public name, such as authority.example.org.")] = None,
    ecosystem: Annotated[str | None, typer.Option(help="Agent: name in web addresses, such as sri-lanka.")] = None,
    redress: Annotated[str | None, typer.Option(help="Agent: whom to appeal to, an address people can follow.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Change a file that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a first draft that is valid and trusts nobody yet. Asks for what no option says and no agent knows.

    Run it again to go on where it was cut off: what is there stays, and what would change is named before it does.
    """
    if (out is None) == (agent_config is None):
        raise ConfigurationError("say what to write: --out FILE (the draft) or --agent-config FILE")
    if agent_config is not None:
        write_agent(agent_config, authority, host, ecosystem, redress, force=force, as_json=as_json)
        return
    target = out or Path()
    known = _of_agent(agent, token_file, config)
    before = document_in(target) if target.exists() else None
    answers = Answers(target.with_name(f".{target.name}.answers.json"))
    drafted = _of_draft(before)
    beginning = Beginning(
        name=answers.ask("--name", "Name of the ecosystem", name, line, known=drafted.get("name")),
        author=Did.parse(
            answers.ask(
                "--author", "DID of the authority", author, did, known=known.get("did") or drafted.get("author")
            )
        ),
        authority_name=answers.ask(
            "--authority",
            "How people call the authority",
            authority,
            line,
            known=drafted.get("authority", known.get("name")),
        ),
        schemas=_schemas(answers, schema, known.get("schemas"), drafted.get("schemas")),
        website=None if website is None else answers.ask("--website", "", website, link),
        docs_uri=None if docs_uri is None else answers.ask("--rules", "", docs_uri, link),
        uri=f"{known['governance_url']}/current.jws" if "governance_url" in known else None,
        crosswalk=_crosswalk(answers, country_, framework, crosswalk, crosswalk_source, crosswalk_from, drafted),
    )
    now = datetime.now(UTC)
    if before is None:
        draft, changed = first_draft(beginning, file_id=uuid4(), participants_id=uuid4(), at=now), list[str]()
    else:
        draft, changed = brought_up(before, beginning, at=now)
        if changed and not force:
            raise ConfigurationError(
                f"{target} is there already; it would change: {'; '.join(changed)}",
                hint="choose another name, or give --force to change it",
            )
    content = json_bytes(draft)
    report = validate_file(content)
    if report.file is None:
        refused(GovernanceFileError(report.findings), as_json=as_json)
    if before is None or changed:
        write_new_file(target, content, force=force)
    answers.done()
    mapped = sorted({crosswalk.framework for crosswalk in report.file.crosswalks})
    if as_json:
        print_json(
            {"ok": True, "id": draft["id"], "file": str(target), "changed": changed, "crosswalks": mapped,
             "written": before is None or bool(changed)}
        )  # fmt: skip
        return
    to = console()
    if before is None:
        to.print(f"Version 1 of {beginning.name} is in {target}. It accredits nobody yet.")
    elif changed:
        to.print(f"{target} is changed: {'; '.join(changed)}. What else it says stays.")
    else:
        to.print(f"{target} says all of this already; nothing was written.")
    if not mapped:
        to.print(_HOW_TO_MAP.format(target))
    to.print("Next: `wanderbuch governance import LIST --into FILE`, or edit it, then sign and publish.")


_HOW_TO_MAP: Final = (
    "No crosswalk maps the levels of a national framework to EQF, so decisions that ask for an EQF level will say "
    "“no mapping”. To add one: `wanderbuch governance init --out {} --force --framework CODE --crosswalk "
    "'1=1,2=2,3=-' --crosswalk-source WHERE --crosswalk-from DAY`; the table is the authority's own decision."
)


def _of_agent(url: str | None, token_file: Path | None, config: Path | None) -> dict[str, Any]:
    """Return what the authority's agent says of itself; nothing if none was named."""
    if config is not None:
        if url is not None:
            raise ConfigurationError("name the agent once: --agent or --config")
        try:
            app = tomllib.loads(read_file(config, max_bytes=_MAX_SETTINGS).decode()).get("app", {})
            listen, token = str(app["listen"]), config.parent / str(app["token_file"])
        except (ValueError, KeyError, AttributeError, TypeError) as err:
            raise ConfigurationError(f"expected settings with [app] listen and token_file in {config}") from err
        listen = listen.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:")
        url, token_file = f"http://{listen}", token_file or token
    if url is None:
        if token_file is not None:
            raise ConfigurationError("expected --agent with --token-file, found none")
        return {}
    if token_file is None:
        raise ConfigurationError("expected --token-file with --agent, found none")
    settings = asyncio.run(_asked(url, token_file))
    if not isinstance(settings.get("did"), str) or not isinstance(settings.get("schemas"), dict):
        raise ConfigurationError(f"expected an authority's agent at {url}, found another")
    return settings


async def _asked(url: str, token_file: Path) -> dict[str, Any]:
    async with AuthorityClient(url, token_file) as client:
        return await client.ask("GET", "/identity")


def _of_draft(document: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a draft that is there answers."""
    if document is None:
        return {}
    report = validate_file(json_bytes(document))
    if report.file is None:
        raise GovernanceFileError(report.findings)
    author = report.file.author
    named = next(
        (
            participant.name
            for participant in report.file.participants
            if participant.did == author and participant.name
        ),
        None,
    )
    schemas = {str(schema["name"]): str(schema["id"]) for schema in document["schemas"]}
    return {
        "name": document["name"],
        "author": str(author),
        "schemas": schemas,
        "mapped": {crosswalk.framework for crosswalk in report.file.crosswalks},
        **({"authority": named} if named else {}),
    }


def _schemas(answers: Answers, given: list[str] | None, known: Any, draft_schemas: Any) -> dict[str, str]:
    schemas: dict[str, str] = {}
    for pair in given or ():
        text = answers.ask("--schema", "", pair, credential_type_and_schema)
        kind, _, schema = text.partition("=")
        if kind in schemas:
            raise ConfigurationError(f"expected one schema for {kind}, found two")
        schemas[kind] = schema
    if schemas or known or draft_schemas:
        return {**(draft_schemas or {}), **(known or {}), **schemas}
    text = answers.ask("--schema", "Credential type and schema, as TYPE=ID", None, credential_type_and_schema)
    kind, _, schema = text.partition("=")
    return {kind: schema}


def _crosswalk(
    answers: Answers,
    where: str | None,
    framework: str | None,
    table: str | None,
    source: str | None,
    start: str | None,
    draft: dict[str, Any],
) -> CrosswalkBeginning | None:
    """Return the crosswalk of the national framework, None if there is to be none yet."""
    code = None if framework is None else answers.ask("--framework", "", framework, framework_code)
    if code is None and where is not None:
        land = answers.ask("--country", "", where, country)
        own = [
            framework.code for framework in frameworks().values()
            if framework.country == land and framework.measures is Measure.QUALIFICATIONS
        ]  # fmt: skip
        code = own[0] if len(own) == 1 else None
        if code is None:
            known = f"there are {', '.join(own)}" if own else "we know none"
            code = answers.ask("--framework", f"Code of the framework of {land}; {known}", None, framework_code)
    if code is None:
        if table is not None or source is not None or start is not None:
            raise ConfigurationError("expected --framework with --crosswalk, found none", hint="such as LK-NVQ")
        return None
    if table is None and source is None and start is None and code in draft.get("mapped", ()):
        return None  # the draft maps it already, and what is there stays
    levels = list(frameworks()[code].levels) if code in frameworks() else []
    example = ",".join(f"{level}=?" for level in levels) or "1=1,2=2"
    asked = answers.optional(
        "--crosswalk", f"EQF level of each level of {code}, as {example}; '-' where nothing maps", table,
        lambda text: levels_to_eqf(text, tuple(levels)),
    )  # fmt: skip
    if asked is None:
        return None
    first = answers.ask("--crosswalk-from", "First day of awards that it is for, as 2024-01-01", start, day)
    return CrosswalkBeginning(
        framework=code,
        levels={
            level: None if eqf == "-" else int(eqf)
            for level, _, eqf in (pair.partition("=") for pair in asked.split(","))
        },
        source=answers.ask("--crosswalk-source", "Where that comparison can be read", source, line),
        valid_from=date.fromisoformat(first),
        version=f"{re.sub(r'[^a-z0-9]+', '-', code.casefold())}-eqf-{first}",
    )
