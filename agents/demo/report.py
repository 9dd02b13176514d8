"""What the demo prints for people: a line for each scene with the reasons below, and where its agents are."""

from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from wanderbuch.agents.demo.outcome import DemoResult, Outcome, SceneResult
from wanderbuch.agents.demo.stage import Stage, visitor_token
from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.machine.certificates import trusted_by_chromium

_INDENT: Final = len("ok a  ")
_WALLET_ROLES: Final = ("wallet_host", "mediator")
"""Whom the wallet in the page asks."""
_OUTCOME_WIDTH: Final = max(len(outcome.value) for outcome in Outcome)


def show_result(console: Console, result: DemoResult) -> None:
    """Print every scene with how it ended and why, then what the employer saw in the first; fits 80 columns."""
    for scene in result.scenes:
        _show_scene(console, scene)
    if result.scenes:
        console.print(_employer_view(result.scenes[0]))
    if result.carried:
        taken = ", ".join(f"{role} {'+'.join(map(str, number))}" for role, number in result.carried.items())
        console.print(f"Connections that the processes of each service took, on one PostgreSQL: {taken}.")
    good = sum(scene.ok for scene in result.scenes)
    style = "bold green" if result.ok else "bold red"
    console.print(f"{good} of {len(result.scenes)} scenes ended as expected, in {result.seconds:.0f} s.", style=style)


def show_addresses(console: Console, stage: Stage) -> None:
    """Print where the agents are, for `--keep`; one thing a line, so that it can be copied."""
    console.print("\nThe agents are running:")
    for agent in stage.machine.agents:
        for line in (f"{agent.name} ({agent.role})", *(f"    {name:<12} {what}" for name, what in _places(agent))):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(browser_line(stage.machine.agents), markup=False, highlight=False, soft_wrap=True)


def browser_line(agents: Iterable[AgentHandle]) -> str:
    """Return the command of a browser that finds the agents' public names, which no DNS knows."""
    known = list(agents)
    rules = ", ".join(f"MAP {agent.host}:443 {agent.target}" for agent in known)
    of_the_wallet = (agent.folder / "public.crt" for agent in known if agent.role in _WALLET_ROLES)
    return (
        "Public names (the wallet, receipts, “Ask a worker to prove it”) open in a browser of their own:\n"
        f'    chromium --user-data-dir="$(mktemp -d)" --ignore-certificate-errors {trusted_by_chromium(of_the_wallet)} '
        f'--host-resolver-rules="{rules}"'
    )


def _show_scene(console: Console, scene: SceneResult) -> None:
    """Print one line that says how it ended, and below it what else was expected, and why."""
    style = "green" if scene.ok else "bold red"
    line = Table.grid(padding=(0, 1))
    for width in (2, 2, _OUTCOME_WIDTH):
        line.add_column(min_width=width, no_wrap=True)
    line.add_column()
    ended = Text(scene.answer.outcome.value, style=style)
    line.add_row(Text("ok" if scene.ok else "NO", style=style), scene.name, ended, Text(scene.title, style="bold"))
    console.print(line)
    below = [] if scene.ok else [f"Expected: {scene.expected.value}."]
    below += [_sentence(reason) for reason in scene.answer.reasons]
    for text in below:
        for part in Text(text).wrap(console, max(1, console.width - _INDENT)):
            part.rstrip()
            console.print(Text(" " * _INDENT).append_text(part), soft_wrap=True)


def _places(agent: AgentHandle) -> Iterator[tuple[str, str]]:
    """Return what is where at one agent."""
    yield "REST API", f"{agent.app_url}/v1/{agent.role} (its description: {agent.app_url}/openapi.json)"
    yield "its token", str(agent.folder / "app.token")
    if visitor_token(agent).exists():
        yield "desk", f"{agent.app_url}/desk/ (sign in with the token in {visitor_token(agent)})"
    if agent.role == "authority":
        yield "register", f"https://{agent.target}/registry/ (for everybody; certificate of this machine's own CA)"
    if agent.role == "wallet_host":
        yield (
            "wallet",
            f"{agent.public_url}/ (a worker's, in the browser below; links of offers and questions go in it)",
        )
    if agent.has_address:
        yield "public name", f"{agent.public_url}, really at {agent.target}"
    for number, process in enumerate(agent.processes if agent.proxies else (), start=1):
        yield f"process {number}", f"REST API {process.app.url}, public site 127.0.0.1:{process.public_port}"


def _employer_view(scene: SceneResult) -> Panel:
    """Return what the employer asked, saw, did not see, decided and why, in one scene."""
    answer = scene.answer
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column()
    rows.add_row("asked", " ".join(answer.asked))
    rows.add_row("saw", ", ".join(f"{name} = {value}" for name, value in answer.seen.items()) or "nothing")
    rows.add_row("did not see", ", ".join(answer.hidden))
    rows.add_row("decided", answer.outcome.value)
    rows.add_row("why", "\n".join(_sentence(reason) for reason in answer.reasons))
    rows.add_row("rests on", f"governance file, {answer.governance}" if answer.governance else "no governance file")
    return Panel(Group(rows), title=f"Scene {scene.name}, as the employer has it", title_align="left")


def _sentence(reason: str) -> str:
    """Return a reason without its code, beginning as a sentence does."""
    code, colon, text = reason.partition(": ")
    told = text if colon and " " not in code else reason
    return told[:1].upper() + told[1:]
