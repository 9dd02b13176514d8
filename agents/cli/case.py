"""`wanderbuch case …`: decide a kept case again, and say what would differ today. No network is used.

    wanderbuch case replay case.json --key-file key.json
    wanderbuch case replay case.json --key-file key.json --bundle newer.bundle     # with what is known today

Exit codes: 0 the same decision comes out, 1 the file was altered or another one comes out, 2 a mistake of the user.
"""

import asyncio
import base64
import binascii
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wanderbuch.agents.cli.governance.keys import read_file
from wanderbuch.agents.cli.terminal_text import one_line
from wanderbuch.agents.cli.wrapped_text import unwrapped
from wanderbuch.errors import ConfigurationError

if TYPE_CHECKING:
    from wanderbuch.governance.facts.identifiers import Did
    from wanderbuch.governance.signed.bundle import Bundle
    from wanderbuch.plugins.trust.case_files.replaying_cases import Replay, ReplayDifference

app = typer.Typer(no_args_is_help=True)

_EXIT_NO = 1
_MAX_KEY_BYTES = 4096


@app.callback()
def _about() -> None:
    """Decide kept cases again."""


@app.command("replay", help="Open a case file and decide again from what is in it.")
def replay(
    case: Annotated[Path, typer.Argument(help="The case file, as text or as the REST API gives it.")],
    key_file: Annotated[Path, typer.Option("--key-file", help="Its key, in base64 or as the REST API gives it.")],
    author: Annotated[
        str | None,
        typer.Option("--author", help="Refuse a case decided by another authority's list.", show_default=False),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", help="A newer bundle: decide with it, too, as of today.", show_default=False),
    ] = None,
    after_its_end: Annotated[
        bool, typer.Option("--after-its-end", help="Open a case although its last day is over.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Decide a case again."""
    from wanderbuch.governance.facts.identifiers import Did
    from wanderbuch.plugins.trust.case_files.case_file import MAX_SEALED_BYTES, CaseFileError, open_case
    from wanderbuch.plugins.trust.case_files.replaying_cases import check_end, replay_alone

    sealed = unwrapped(read_file(case, max_bytes=MAX_SEALED_BYTES), "file")
    pinned = None if author is None else Did.parse(author)
    try:
        opened = open_case(sealed.decode("ascii", "replace"), _key_in(key_file))
        today = datetime.now(UTC)
        if not after_its_end:
            check_end(opened, at=today)
        newer = None if bundle is None else asyncio.run(_bundle(bundle, pinned))
        done = replay_alone(opened, author=pinned, today=today, newer=newer)
    except CaseFileError as err:
        if as_json:
            print(json.dumps({"same": False, "code": err.code, "detail": err.message, "hint": err.hint}))  # noqa: T201
        else:
            typer.echo(one_line(f"Refused: {err.message}" + (f" ({err.hint})" if err.hint else "")), err=True)
        raise typer.Exit(_EXIT_NO) from err
    if as_json:
        print(json.dumps(_as_json(done)))  # noqa: T201
    else:
        for line in _lines(done, is_newer=newer is not None):
            typer.echo(one_line(line))
    if done.altered:
        raise typer.Exit(_EXIT_NO)


async def _bundle(path: Path, author: "Did | None") -> "Bundle":
    from wanderbuch.plugins.trust.offline.bundling import read_bundle

    newer = await read_bundle(path)
    if author is not None and newer.author != author:
        raise ConfigurationError(f"expected a bundle of {author}, found one of {newer.author}")
    return newer


def _key_in(path: Path) -> bytes:
    try:
        return base64.b64decode(unwrapped(read_file(path, max_bytes=_MAX_KEY_BYTES), "key"), validate=True)
    except (ValueError, binascii.Error) as err:
        raise ConfigurationError(f"expected a key in base64 in {path}") from err


def _lines(done: "Replay", *, is_newer: bool) -> list[str]:
    keeping, decision = done.case.keeping, done.case.decision
    over = [f"Over     its last day was {keeping.until}: its key should have been destroyed."] if done.is_over else []
    lines = [
        *over,
        f"Kept     for {keeping.purpose}, until {keeping.until}, by law: {keeping.law}",
        f"Decided  {decision.verdict.value} at {decision.decided_at:%Y-%m-%d %H:%M} UTC, by the list of {done.author}",
        "Again    the same decision comes out." if not done.altered else "Again    ANOTHER decision comes out:",
        *_told(done.altered),
    ]
    if done.today is not None:
        facts = "the newer bundle" if is_newer else "the same files"
        differs = "nothing would differ." if not done.since else f"{done.today.decision.verdict.value}; this differs:"
        lines += [f"Today    with {facts}: {differs}", *_told(done.since)]
    return lines


def _told(differences: "tuple[ReplayDifference, ...]") -> list[str]:
    return [f"  {difference.what}: {difference.was} -> {difference.now}" for difference in differences]


def _as_json(done: "Replay") -> dict[str, Any]:
    return {
        "same": not done.altered,
        "over": done.is_over,
        "author": str(done.author),
        "decided": done.case.decision.verdict.value,
        "again": done.then.decision.verdict.value,
        "altered": [_difference(difference) for difference in done.altered],
        "today": None if done.today is None else done.today.decision.verdict.value,
        "since": [_difference(difference) for difference in done.since],
    }


def _difference(difference: "ReplayDifference") -> dict[str, str]:
    return {"what": difference.what, "was": difference.was, "now": difference.now}
