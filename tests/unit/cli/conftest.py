import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.unit.cli.office import EXAMPLE, Office, make_office

from wanderbuch.agents.cli import main

__all__ = ["EXAMPLE", "Run"]

type Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    """Put back what a command that runs an agent does to the logs of this process, and to what it compiles."""
    root = logging.getLogger()
    handlers, level, writes_none = root.handlers[:], root.level, sys.dont_write_bytecode
    yield
    sys.dont_write_bytecode = writes_none
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line; give its exit code and what it said on both streams."""

    def run_it(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return int(ended.value.code or 0), captured.out, captured.err

    return run_it


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An authority with a DID, a key file and the example file under its name."""
    return make_office(tmp_path)
