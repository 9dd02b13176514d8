"""Questions that a command asks at a terminal. Each answer is checked at once, and kept until the command is done."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import typer

from wanderbuch.agents.cli.governance.output import console, write_file
from wanderbuch.errors import ConfigurationError, WanderbuchError

type Check = Callable[[str], str]
_MAX_KEPT: Final = 64 * 1024


class Answers:
    """What options say, what was answered before the command was cut off, and what is asked now."""

    def __init__(self, kept_in: Path) -> None:
        """Take up answers that an earlier run left.

        Args:
            kept_in: a file beside the one that the command writes; it goes when that is written.
        """
        self._path = kept_in
        self._kept = _read(kept_in)
        if self._kept and sys.stdin.isatty():
            console().print(f"Taken from your last run: {', '.join(self._kept)} ({kept_in} holds them)")

    def ask(
        self,
        option: str,
        question: str,
        given: str | None,
        check: Check,
        *,
        known: str | None = None,
        empty: bool = False,
    ) -> str:
        """Return a checked answer: of the option, of what is known otherwise, of the last run, or of the terminal.

        Args:
            option: such as --name.
            question: for the terminal.
            given: what the option says.
            check: returns the answer as it is meant, or raises.
            known: what the agent or the file that is there says.
            empty: whether Enter alone is an answer.

        Raises:
            ConfigurationError: the option's answer is not fit, or there is none and nobody to ask.
        """
        for answer in (given, known):
            if answer is not None:
                return _checked(option, answer, check)
        if option in self._kept:
            try:
                return _checked(option, self._kept[option], check)
            except ConfigurationError:
                del self._kept[option]
        if not sys.stdin.isatty():
            raise ConfigurationError(f"expected {option}, found none", hint=question)
        while True:
            default = "" if empty else None  # without one, the prompt asks again for ever
            text = str(typer.prompt(question, default=default, show_default=False)).strip()
            try:
                answer = _checked(option, text, check)
            except ConfigurationError as err:
                console(stderr=True).print(f"{err.message}{f' ({err.hint})' if err.hint else ''}")
                continue
            self._kept[option] = answer
            write_file(self._path, json.dumps(self._kept, ensure_ascii=False, indent=2).encode())
            return answer

    def optional(self, option: str, question: str, given: str | None, check: Check) -> str | None:
        """Return a checked answer, None if it is left empty or there is nobody to ask."""
        if given is None and option not in self._kept and not sys.stdin.isatty():
            return None
        asked = f"{question} (Enter: none)"
        return self.ask(option, asked, given, lambda text: check(text) if text else "", empty=True) or None

    def done(self) -> None:
        """Forget: what was asked for is written."""
        self._path.unlink(missing_ok=True)


def _checked(option: str, answer: str, check: Check) -> str:
    try:
        return check(answer)
    except WanderbuchError as err:
        raise ConfigurationError(f"{option}: {err.message}", hint=err.hint) from err


def _read(path: Path) -> dict[str, str]:
    try:
        if path.stat().st_size > _MAX_KEPT:
            return {}
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {str(key): str(value) for key, value in document.items()} if isinstance(document, dict) else {}
