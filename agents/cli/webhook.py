"""`wanderbuch webhook …`: where an agent that runs sends its events, by its REST API.

    wanderbuch webhook add https://hooks.example.org/skills --kind credential.issued --token-file app.token
    wanderbuch webhook list --token-file app.token

The secret with which deliveries are signed is printed once, when it is made or replaced (docs/events.md).
"""

import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console

from wanderbuch.agents.cli.agent_options import (
    DEFAULT_URL,
    JsonOption,
    TenantOption,
    TokenOption,
    UrlOption,
    ask_agent,
)

app = typer.Typer(no_args_is_help=True)

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
    agent: UrlOption = DEFAULT_URL,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a webhook."""
    body = {"url": url, "kinds": kind or [], "after": after}
    _show(_asked(agent, token_file, tenant, "POST", "", body), as_json=as_json)


@app.command("list", help="List the webhooks and where their deliveries stand.")
def list_all(
    token_file: TokenOption, agent: UrlOption = DEFAULT_URL, tenant: TenantOption = None, as_json: JsonOption = False
) -> None:
    """List the webhooks."""
    answer = _asked(agent, token_file, tenant, "GET", "")
    if as_json:
        print(json.dumps(answer))  # noqa: T201
        return
    for webhook in answer["items"]:
        _print(_line(webhook))
    if not answer["items"]:
        _print("There are no webhooks.")


@app.command("show", help="Show a webhook and its last deliveries.")
def show(
    webhook: IdArgument,
    token_file: TokenOption,
    agent: UrlOption = DEFAULT_URL,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a webhook."""
    answer = _asked(agent, token_file, tenant, "GET", _path(webhook))
    _show(answer, as_json=as_json)
    for delivery in () if as_json else answer["recent"]:
        _print(f"  {delivery['at']}  event {delivery['number']}  {delivery['error'] or 'taken'}  {delivery['ms']} ms")


def _change(name: str, method: str, step: str, explained: str) -> None:
    """Add a command that does one thing with one webhook and shows it afterwards."""

    @app.command(name, help=explained)
    def change(
        webhook: IdArgument,
        token_file: TokenOption,
        agent: UrlOption = DEFAULT_URL,
        tenant: TenantOption = None,
        as_json: JsonOption = False,
    ) -> None:
        _show(_asked(agent, token_file, tenant, method, f"{_path(webhook)}{step}"), as_json=as_json)


_change("pause", "POST", "/pause", "Send nothing more until it is resumed; nothing is lost.")
_change("resume", "POST", "/resume", "Go on where it stopped, also after it was given up.")
_change("secret", "POST", "/secret", "Replace the secret and print the new one, once; the old one is good for a day.")
_change("remove", "DELETE", "", "Remove a webhook.")


def _asked(
    url: str, token_file: Path, tenant: str | None, method: str, path: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return what the agent answers."""
    return ask_agent(url, token_file, tenant, "webhooks", method, path, body)


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
