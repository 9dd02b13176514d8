"""`wanderbuch tenant …`: the tenants of an agent that runs, by its REST API and the operator's token.

    wanderbuch tenant add galle --name "Galle Welding School" --role issuer --token-file app.token
    wanderbuch tenant list --token-file app.token

A tenant's own token is printed once, when it is made or renewed: it opens that tenant's routes and no others.
"""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer
from rich.console import Console

from wanderbuch.agents.runtime.exits import EXIT_MISTAKE
from wanderbuch.errors import ConfigurationError

app = typer.Typer(no_args_is_help=True)

_DEFAULT_URL: Final = "http://127.0.0.1:8081"
_MAX_SETTINGS_BYTES: Final = 1024 * 1024

UrlOption = Annotated[str, typer.Option("--agent", help="Where the agent's app site listens.")]
TokenOption = Annotated[
    Path, typer.Option("--token-file", help="A file with the operator's token, the agent's own.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the agent's answer as JSON.")]
IdArgument = Annotated[str, typer.Argument(help="The tenant's id.", show_default=False)]


@app.command("add", help="Make a tenant and print its token, once.")
def add(
    tenant: IdArgument,
    name: Annotated[str, typer.Option("--name", help="What people call it.", show_default=False)],
    role: Annotated[list[str], typer.Option("--role", help="A role that it has; may be given again.")],
    token_file: TokenOption,
    agent: UrlOption = _DEFAULT_URL,
    host: Annotated[
        str | None, typer.Option("--host", help=r"A host name of its own, listed in [\[public.hosts]].")
    ] = None,
    path: Annotated[str | None, typer.Option("--path", help="Path of its DID; by default its id.")] = None,
    settings: Annotated[
        Path | None,
        typer.Option("--settings", help="A JSON file: role -> what differs from the agent's table of that role."),
    ] = None,
    governance_url: Annotated[str | None, typer.Option("--governance-url", help="Its own governance; with")] = None,
    governance_author: Annotated[str | None, typer.Option("--governance-author", help="the DID that signs it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a tenant."""
    if (governance_url is None) != (governance_author is None):
        raise ConfigurationError("--governance-url and --governance-author belong together")
    told = _settings(settings)
    if strange := sorted(told.keys() - set(role)):
        raise ConfigurationError(f"{settings} has settings of {', '.join(strange)[:200]}, which is no --role of it")
    body: dict[str, Any] = {"id": tenant, "name": name, "roles": {name: told.get(name, {}) for name in role}}
    body |= {key: value for key, value in (("host", host), ("path", path)) if value is not None}
    if governance_url is not None:
        body["governance"] = {"url": governance_url, "author": governance_author}
    _show_with_token(_asked(agent, token_file, "POST", "", body), as_json=as_json)


@app.command("list", help="List the tenants beside the default one, the oldest first.")
def list_all(token_file: TokenOption, agent: UrlOption = _DEFAULT_URL, as_json: JsonOption = False) -> None:
    """List the tenants."""
    answer = _asked(agent, token_file, "GET", "")
    if as_json:
        _print_json(answer)
        return
    for listed in answer["items"]:
        _print(_line(listed))
    if not answer["items"]:
        _print("There are no tenants beside the default one.")


@app.command("show", help="Show a tenant.")
def show(
    tenant: IdArgument, token_file: TokenOption, agent: UrlOption = _DEFAULT_URL, as_json: JsonOption = False
) -> None:
    """Show a tenant."""
    _show(_asked(agent, token_file, "GET", _path(tenant)), as_json=as_json)


@app.command("suspend", help="Serve a tenant no more until it is resumed; what it published stays.")
def suspend(
    tenant: IdArgument, token_file: TokenOption, agent: UrlOption = _DEFAULT_URL, as_json: JsonOption = False
) -> None:
    """Suspend a tenant."""
    _show(_asked(agent, token_file, "POST", f"{_path(tenant)}/suspend"), as_json=as_json)


@app.command("resume", help="Serve a suspended tenant again, as before.")
def resume(
    tenant: IdArgument, token_file: TokenOption, agent: UrlOption = _DEFAULT_URL, as_json: JsonOption = False
) -> None:
    """Resume a tenant."""
    _show(_asked(agent, token_file, "POST", f"{_path(tenant)}/resume"), as_json=as_json)


@app.command("token", help="Give a tenant another token and print it, once; the one before opens nothing any more.")
def renew_token(
    tenant: IdArgument, token_file: TokenOption, agent: UrlOption = _DEFAULT_URL, as_json: JsonOption = False
) -> None:
    """Renew a tenant's token."""
    _show_with_token(_asked(agent, token_file, "POST", f"{_path(tenant)}/token"), as_json=as_json)


@app.command("remove", help="Remove a tenant for good: all that it keeps; what it published stays, and its id with it.")
def remove(
    tenant: IdArgument,
    token_file: TokenOption,
    agent: UrlOption = _DEFAULT_URL,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove a tenant."""
    if not yes and not typer.confirm(
        f"Remove the tenant {tenant} for good? Nothing of it can be brought back.", err=True
    ):
        raise typer.Exit(EXIT_MISTAKE)
    _show(_asked(agent, token_file, "DELETE", _path(tenant)), as_json=as_json)


def _asked(url: str, token_file: Path, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what the agent answers."""
    from wanderbuch.agents.cli.governance.authority_client import AuthorityClient

    async def ask() -> dict[str, Any]:
        async with AuthorityClient(url, token_file, group="tenants") as client:
            return await client.ask(method, path, body)

    return asyncio.run(ask())


def _settings(file: Path | None) -> dict[str, Any]:
    from wanderbuch.agents.cli.governance.keys import read_file

    if file is None:
        return {}
    try:
        settings = json.loads(read_file(file, max_bytes=_MAX_SETTINGS_BYTES))
    except ValueError as err:
        raise ConfigurationError(f"{file} cannot be read as JSON") from err
    if not isinstance(settings, dict) or not all(isinstance(table, dict) for table in settings.values()):
        raise ConfigurationError(
            f'{file}: expected an object of tables, such as {{"issuer": {{"registry_size": 100}}}}'
        )
    return settings


def _path(tenant: str) -> str:
    return f"/{quote(tenant, safe='')}"


def _show_with_token(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        _print_json(answer)
        return
    _print(_line(answer["tenant"]))
    _print(f"Its token, shown this once: {answer['token']}")


def _show(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        _print_json(answer)
    else:
        _print(_line(answer))


def _line(tenant: dict[str, Any]) -> str:
    roles = ", ".join(tenant["roles"]) or "no role"
    return f"{tenant['id']}  {tenant['state']}  {tenant['name']}  ({roles})  {tenant['app']}  {tenant['site']}"


def _print(text: str) -> None:
    Console(soft_wrap=True, highlight=False, markup=False).print(text)


def _print_json(answer: dict[str, Any]) -> None:
    print(json.dumps(answer))  # noqa: T201
