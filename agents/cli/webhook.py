"""`wanderbuch webhook …`: where an agent that runs sends its events, by its REST API.

    wanderbuch webhook add https://hooks.example.org/skills --kind credential.issued --token-file app.token
    wanderbuch webhook list --token-file app.token

The secret with which deliveries are signed is printed once, when it is made or replaced (docs/events.md).
"""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer
from rich.console import Console

app = typer.Typer(no_args_is_help=True)

_DEFAULT_URL: Final = "http://127.0.0.1:8081"

UrlOption = Annotated[str, typer.Option("--agent", help="Where the agent's app site listens.")]
TokenOption = Annotated[
    Path, typer.Option("--token-file", help="A file with the operator's or the tenant's token.", show_default=False)
]
TenantOption = Annotated[
    str | None, typer.Option("--tenant", help="Whose webhooks; by default the default tenant's.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the agent's answer as JSON.")]
IdArgument = Annotated[str, typer.Argument(help="The webhook's id.", show_default=False)]


@app.command("add", help="Make a webhook and print its secret, once.")
def add(
    url: Annotated[str, typer.Argument(help="An https address.", show_default=False)],
    token_file: TokenOption,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="A kind of events; may be given again. By default all.")
    ] = None,
    after: Annotated[
        int | None, typer.Option("--after", help="Number of the event behind which to begin; by default now.")
    ] = None,
    agent: UrlOption = _DEFAULT_URL,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a webhook."""
    body = {"url": url, "kinds": kind or [], "after": after}
    _show(_asked(agent, token_file, tenant, "POST", "", body), as_json=as_json)


@app.command("list", help="List the webhooks and where their deliveries stand.")
def list_all(
    token_file: TokenOption, agent: UrlOption = _DEFAULT_URL, tenant: TenantOption = None, as_json: JsonOption = False
) -> None:
    """List the webhooks."""
    answer = _asked(agent, token_file, tenant, "GET", "")
    if as_json:
        print(json.dumps(answer))  # noqa: T201
        return
    for each in answer["items"]:
        _print(_line(each))
    if not answer["items"]:
        _print("There are no webhooks.")


@app.command("show", help="Show a webhook and its last deliveries.")
def show(
    webhook: IdArgument,
    token_file: TokenOption,
    agent: UrlOption = _DEFAULT_URL,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a webhook."""
    answer = _asked(agent, token_file, tenant, "GET", _path(webhook))
    _show(answer, as_json=as_json)
    for each in () if as_json else answer["recent"]:
        _print(f"  {each['at']}  event {each['number']}  {each['error'] or 'taken'}  {each['ms']} ms")


@app.command("pause", help="Send nothing more until it is resumed; nothing is lost.")
def pause(
    webhook: IdArgument,
    token_file: TokenOption,
    agent: UrlOption = _DEFAULT_URL,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pause a webhook."""
    _show(_asked(agent, token_file, tenant, "POST", f"{_path(webhook)}/pause"), as_json=as_json)


@app.command("resume", help="Go on where it stopped, also after it was given up.")
def resume(
    webhook: IdArgument,
    token_file: TokenOption,
    agent: UrlOption = _DEFAULT_URL,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Resume a webhook."""
    _show(_asked(agent, token_file, tenant, "POST", f"{_path(webhook)}/resume"), as_json=as_json)


@app.command("secret", help="Replace the secret and print the new one, once; the old one is good for a day.")
def secret(
    webhook: IdArgument,
    token_file: TokenOption,
    agent: UrlOption = _DEFAULT_URL,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replace the secret of a webhook."""
    _show(_asked(agent, token_file, tenant, "POST", f"{_path(webhook)}/secret"), as_json=as_json)


@app.command("remove", help="Remove a webhook.")
def remove(
    webhook: IdArgument,
    token_file: TokenOption,
    agent: UrlOption = _DEFAULT_URL,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a webhook."""
    _show(_asked(agent, token_file, tenant, "DELETE", _path(webhook)), as_json=as_json)


def _asked(
    url: str, token_file: Path, tenant: str | None, method: str, path: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return what the agent answers."""
    from wanderbuch.agents.cli.governance.authority_client import AuthorityClient

    group = "webhooks" if tenant is None else f"t/{quote(tenant, safe='')}/webhooks"

    async def ask() -> dict[str, Any]:
        async with AuthorityClient(url, token_file, group=group) as client:
            return await client.ask(method, path, body)

    return asyncio.run(ask())


def _path(webhook: str) -> str:
    return f"/{quote(webhook, safe='')}"


def _show(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(answer))  # noqa: T201
        return
    _print(_line(answer))
    if "secret" in answer:
        _print(f"Its secret, shown this once: {answer['secret']}")


def _line(webhook: dict[str, Any]) -> str:
    kinds = ", ".join(webhook["kinds"]) or "all events"
    error = f"  ({webhook['error']}, {webhook['failures']} times)" if webhook["error"] else ""
    return f"{webhook['id']}  {webhook['state']}  {webhook['waiting']} waiting  {webhook['url']}  {kinds}{error}"


def _print(text: str) -> None:
    Console(soft_wrap=True, highlight=False, markup=False).print(text)
