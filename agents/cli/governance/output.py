"""How the commands answer: JSON for programs, lines for people, exit codes, files written whole or not at all."""

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Never

import typer
from rich.console import Console

from wanderbuch.errors import ConfigurationError, GovernanceError
from wanderbuch.governance.form.findings import Finding, GovernanceFileError

_PUBLIC_FILE: Final = 0o644
_OWN_FILE: Final = 0o600
NO: Final = 1  # exit code: it was checked, and the answer is no

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def console(*, stderr: bool = False) -> Console:
    """Return a console that prints texts as they are."""
    return Console(stderr=stderr, highlight=False, markup=False, soft_wrap=True)


def finding_document(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON."""
    return {name: value.value if isinstance(value, Enum) else value for name, value in asdict(finding).items()}


def refused(err: GovernanceError, *, as_json: bool) -> Never:
    """Show what was checked and refused, and end with exit code 1."""
    findings: Sequence[Finding] = err.findings if isinstance(err, GovernanceFileError) else ()
    if as_json:
        error = {"code": err.code, "message": err.message, "hint": err.hint}
        print_json({"ok": False, "error": error, "findings": [finding_document(finding) for finding in findings]})
    else:
        to = console(stderr=True)
        to.print(f"wanderbuch: {err.message}{f' ({err.hint})' if err.hint else ''}")
        for finding in findings:
            to.print(f"  {finding}")
    raise typer.Exit(NO)


def write_file(path: Path, content: bytes, *, is_public: bool = False) -> None:
    """Write a file so that it is there in full or not at all.

    Args:
        path: where.
        content: what.
        is_public: it is made for others, who may read it where it lies; else only its owner may.

    Raises:
        ConfigurationError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as stream:
            os.fchmod(stream.fileno(), _PUBLIC_FILE if is_public else _OWN_FILE)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except OSError as err:
        draft.unlink(missing_ok=True)
        raise ConfigurationError(f"cannot write {path}: {err.strerror}") from err


def write_new_file(path: Path, content: bytes, *, force: bool = False, is_public: bool = False) -> None:
    """Write a file that was not there before, or that `force` says may go; else as `write_file`.

    Raises:
        ConfigurationError: it is there, or cannot be written.
    """
    if path.exists() and not force:
        raise ConfigurationError(f"{path} is there already", hint="choose another name, or give --force")
    write_file(path, content, is_public=is_public)


def json_bytes(document: Any) -> bytes:
    """Return a document as people read JSON: indented, UTF-8, a line break at the end."""
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()
