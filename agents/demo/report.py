"""The demo's tables, for people."""

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from wanderbuch.agents.demo.outcome import DemoResult, SceneResult
from wanderbuch.agents.demo.stage import Stage


def show_result(console: Console, result: DemoResult) -> None:
    """Print every scene with what was expected, what happened and why, then what the employer saw in the first."""
    table = Table(title="What was expected, and what happened", title_justify="left", show_lines=True, expand=True)
    table.add_column("", no_wrap=True)
    table.add_column("Scene", ratio=3)
    table.add_column("Expected", no_wrap=True)
    table.add_column("Actual", no_wrap=True)
    table.add_column("Why", ratio=5)
    table.add_column("s", justify="right", no_wrap=True)
    for scene in result.scenes:
        table.add_row(
            scene.name,
            scene.title,
            scene.expected.value,
            Text(scene.answer.outcome.value, style="green" if scene.ok else "bold red"),
            "\n".join(_sentence(reason) for reason in scene.answer.reasons) or "—",
            f"{scene.seconds:.1f}",
        )
    console.print(table)
    if result.scenes:
        console.print(_employer_view(result.scenes[0]))
    if result.carried:
        taken = ", ".join(f"{role} {'+'.join(map(str, each))}" for role, each in result.carried.items())
        console.print(f"Connections that the processes of each service took, on one PostgreSQL: {taken}.")
    good = sum(scene.ok for scene in result.scenes)
    style = "bold green" if result.ok else "bold red"
    console.print(f"{good} of {len(result.scenes)} scenes ended as expected, in {result.seconds:.0f} s.", style=style)


def show_addresses(console: Console, stage: Stage) -> None:
    """Print where the agents are, for `--keep`; one thing a line, so that it can be copied."""
    console.print("\nThe agents are running:")
    for agent in stage.machine.agents:
        lines = (
            f"{agent.name} ({agent.role})",
            f"    REST API     {agent.app_url}/v1/{agent.role} (its description: {agent.app_url}/openapi.json)",
            f"    its token    {agent.folder / 'app.token'}",
            f"    public name  {agent.public_url}, really at {agent.target}",
            *(
                f"    process {number}    REST API {process.app.url}, public site 127.0.0.1:{process.public_port}"
                for number, process in enumerate(agent.processes if agent.proxies else (), start=1)
            ),
        )
        for line in lines:
            console.print(line, markup=False, highlight=False, soft_wrap=True)


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
    """Return a reason without its code."""
    code, colon, text = reason.partition(": ")
    return text if colon and " " not in code else reason
