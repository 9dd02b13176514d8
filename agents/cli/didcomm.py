"""`wanderbuch didcomm …`: an agent that runs writes to others in DIDComm v2, by its REST API.

    wanderbuch didcomm invitation --goal "Ask who counts" --token-file app.token
    wanderbuch didcomm ping did:webvh:… --token-file app.token
    wanderbuch didcomm ask did:webvh:… --entity did:webvh:… --authority did:webvh:… --action issue \
        --resource "occupation=C7212;place=MLT;eqf=4" --token-file app.token

Exit codes: 0 done, or the registry says yes; 1 the registry says no; 2 it could not be asked, or nobody answered.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Final

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
from wanderbuch.agents.cli.terminal_text import one_line
from wanderbuch.errors import ConfigurationError

app = typer.Typer(no_args_is_help=True)

_NO: Final = 1

ToArgument = Annotated[
    str, typer.Argument(help="A DID, or the address of an invitation of DIDComm v2.", show_default=False)
]


@app.command("invitation", help="Invite somebody to write to the agent in DIDComm v2, and print the address.")
def invitation(
    token_file: TokenOption,
    goal: Annotated[str | None, typer.Option("--goal", help="What for, in words for people.")] = None,
    goal_code: Annotated[str | None, typer.Option("--goal-code", help="The same for programs.")] = None,
    agent: UrlOption = DEFAULT_URL,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an invitation."""
    answer = _asked(agent, token_file, tenant, "/invitations", {"goal": goal, "goal_code": goal_code})
    _show(answer, answer["url"], as_json=as_json)


@app.command("ping", help="Ask whether somebody is there and reads what the agent writes.")
def ping(
    to: ToArgument,
    token_file: TokenOption,
    agent: UrlOption = DEFAULT_URL,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ping somebody."""
    answer = _asked(agent, token_file, tenant, "/pings", {"to": to})
    _show(answer, f"{answer['did']} answered after {answer['milliseconds']} ms.", as_json=as_json)


@app.command("features", help="Ask which protocols somebody says they speak.")
def features(
    to: ToArgument,
    token_file: TokenOption,
    match: Annotated[
        str, typer.Option("--match", help="A protocol, or the beginning of several with * at its end.")
    ] = "*",
    agent: UrlOption = DEFAULT_URL,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask what somebody speaks."""
    answer = _asked(agent, token_file, tenant, "/features", {"to": to, "match": match})
    told = [one_line(name) for name in answer["protocols"]]
    _show(answer, "\n".join(told) or f"{answer['did']} speaks nothing of that.", as_json=as_json)


@app.command("ask", help="Ask a trust registry one question (TRQP); the answer is the registry's word.")
def ask(
    to: ToArgument,
    token_file: TokenOption,
    entity: Annotated[str, typer.Option("--entity", help="DID that the question is about.", show_default=False)],
    authority: Annotated[str, typer.Option("--authority", help="DID whose word counts.", show_default=False)],
    action: Annotated[str, typer.Option("--action", help="What it may do, such as issue.", show_default=False)],
    resource: Annotated[str, typer.Option("--resource", help="With what.", show_default=False)],
    recognition: Annotated[
        bool, typer.Option("--recognition", help="Ask whether one authority recognises the other.")
    ] = False,
    context: Annotated[
        list[str] | None, typer.Option("--context", help="NAME=VALUE, such as time=…; may be given again.")
    ] = None,
    agent: UrlOption = DEFAULT_URL,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a registry."""
    question: dict[str, Any] = {
        "to": to,
        "about": "recognition" if recognition else "authorization",
        "entity_id": entity,
        "authority_id": authority,
        "action": action,
        "resource": resource,
        "context": _context(context or []),
    }
    answer = _asked(agent, token_file, tenant, "/questions", question)
    _show(answer, f"{'yes' if answer['says_yes'] else 'no'}, says {answer['did']}", as_json=as_json)
    if not answer["says_yes"]:
        raise typer.Exit(_NO)


@app.command(
    "rotate", help="Replace the agent's keys for DIDComm v2; the old ones open what is on its way for a while."
)
def rotate(
    token_file: TokenOption,
    keep_old_hours: Annotated[
        int, typer.Option("--keep-old-hours", help="How long; 0 if somebody else may have them.", min=0, max=336)
    ] = 24,
    agent: UrlOption = DEFAULT_URL,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rotate the keys for key agreement."""
    answer = _asked(agent, token_file, tenant, "/keys/rotate", {"keep_old_hours": keep_old_hours})
    if answer["waits_for_witnesses"]:
        told = "The entry with the new keys waits for the witnesses of the DID; until then the old ones go on."
    else:
        told = f"{answer['did']} has new keys; the old ones open what comes until {answer['old_keys_until']}."
    _show(answer, told, as_json=as_json)


def _context(given: list[str]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in given]
    if any(not name or not equals for name, equals, _ in pairs):
        raise ConfigurationError("expected --context NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _asked(url: str, token_file: Path, tenant: str | None, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return what the agent answers."""
    return ask_agent(url, token_file, tenant, "didcomm", "POST", path, body)


def _show(answer: dict[str, Any], told: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(answer))  # noqa: T201
    else:
        Console(soft_wrap=True, highlight=False, markup=False).print(told)
