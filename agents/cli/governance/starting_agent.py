"""`wanderbuch governance init --agent-config`: settings of a new authority's agent, and its secrets."""

import secrets
import tomllib
from pathlib import Path
from typing import Any, Final

import base58

from wanderbuch.agents.cli.governance.answers import Answers
from wanderbuch.agents.cli.governance.checks import ecosystem as ecosystem_name
from wanderbuch.agents.cli.governance.checks import host as host_name
from wanderbuch.agents.cli.governance.checks import line, link
from wanderbuch.agents.cli.governance.keys import read_file
from wanderbuch.agents.cli.governance.output import console, print_json, write_file, write_new_file
from wanderbuch.agents.runtime.secret_files import write_secret
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.form.starting import AgentBeginning, agent_settings

_MAX_SETTINGS: Final = 256 * 1024


def write_agent(
    path: Path,
    authority: str | None,
    host: str | None,
    ecosystem: str | None,
    redress: str | None,
    *,
    force: bool,
    as_json: bool,
) -> None:
    """Write settings, and the secrets that are not there yet. Settings that are there answer what no option says."""
    settings = _held(path)
    answers = Answers(path.with_name(f".{path.name}.answers.json"))
    beginning = AgentBeginning(
        name=answers.ask("--authority", "How people call the authority", authority, line, known=settings.get("name")),
        host=answers.ask(
            "--host", "Public name, such as authority.example.org", host, host_name, known=settings.get("host")
        ),
        ecosystem=answers.ask(
            "--ecosystem", "Name in web addresses, such as sri-lanka", ecosystem, ecosystem_name,
            known=settings.get("ecosystem"),
        ),
        credential_types=("qualification/1.0",),
        redress=answers.ask(
            "--redress", "Whom to appeal to (an address)", redress, link, known=settings.get("redress")
        ),
    )  # fmt: skip
    texts = {
        "name": beginning.name, "host": beginning.host, "ecosystem": beginning.ecosystem, "redress": beginning.redress
    }  # fmt: skip
    changed = [
        f"{key} was {settings.get(key)!r} and becomes {texts[key]!r}"
        for key in texts
        if settings.get(key) != texts[key]
    ]
    kept: Path | None = None
    if not settings:
        write_new_file(path, agent_settings(beginning).encode())
    elif changed:
        if not force:
            raise ConfigurationError(
                f"{path} is there already; it would change: {'; '.join(changed)}",
                hint="edit it, or give --force to write it anew (the old one is kept beside it)",
            )
        kept = _kept(path)
        write_file(path, agent_settings(beginning).encode())
    made = [
        file.name
        for file, secret in (
            (path.with_name("app.token"), secrets.token_urlsafe(32)),
            (path.with_name("wallet.key"), base58.b58encode(secrets.token_bytes(32)).decode("ascii")),
        )
        if _write_secret(file, secret)
    ]
    answers.done()
    if as_json:
        print_json({"ok": True, "file": str(path), "secrets": made, "kept": None if kept is None else str(kept)})
        return
    to = console()
    state = "are in" if not settings or changed else "were there already and say the same, in"
    to.print(
        f"Settings {state} {path}; {' and '.join(made) if made else 'the secrets that were there stay'} beside it."
    )
    if kept is not None:
        to.print(f"The settings before are in {kept}.")
    to.print("Put the host's certificate beside it (public.crt, public.key), then:")
    to.print(f"  wanderbuch authority run --config {path}")
    to.print("When it runs, it knows its DID and schemas; the first draft of the governance file takes them from it:")
    to.print(f"  wanderbuch governance init --out first.json --config {path}")


def _held(path: Path) -> dict[str, Any]:
    """Return what settings that are there say, of what is asked here."""
    if not path.exists():
        return {}
    try:
        settings = tomllib.loads(read_file(path, max_bytes=_MAX_SETTINGS).decode())
        public, authority = settings.get("public", {}), settings.get("authority", {})
        return {
            "name": settings.get("name"), "host": public.get("host"), "ecosystem": authority.get("ecosystem"),
            "redress": authority.get("redress"),
        }  # fmt: skip
    except (ValueError, AttributeError) as err:
        raise ConfigurationError(
            f"{path} is there already, and holds no settings of an agent", hint="choose another name"
        ) from err


def _kept(path: Path) -> Path:
    """Keep the settings that are there under a name that is free."""
    content = read_file(path, max_bytes=_MAX_SETTINGS)
    for number in range(1, 1000):
        name = path.with_name(f"{path.name}.{number}.old")
        if not name.exists():
            write_file(name, content)
            return name
    raise ConfigurationError(f"expected fewer old settings beside {path}")


def _write_secret(file: Path, secret: str) -> bool:
    """Write a secret for its owner alone; one that is there stays. Return whether it was written."""
    try:
        write_secret(file, f"{secret}\n".encode())
    except FileExistsError:
        return False
    except OSError as err:
        raise ConfigurationError(f"cannot write {file}: {err.strerror}") from err
    return True
