"""docs/errors.md lists every code of a problem, with its status and what it means."""

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from typing import Final

import wanderbuch
from wanderbuch.agents.runtime.problems import STATUS_BY_CODE, status_of
from wanderbuch.errors import WanderbuchError

PAGE: Final = Path(__file__).parents[3] / "docs" / "errors.md"
# What no REST API answers: command lines, the demo, the client's own.
_ELSEWHERE: Final = (
    "wanderbuch.agents.cli",
    "wanderbuch.agents.demo",
    "wanderbuch.agents.machine",
    "wanderbuch.client",
)
_BY_THE_SITE: Final = {"internal": (500, "The agent failed; its log says where.")}


@cache
def codes() -> dict[str, tuple[int, str]]:
    """Return the status and the meaning of each code; of several errors with one code, of the most general."""
    for module in pkgutil.walk_packages(wanderbuch.__path__, "wanderbuch."):
        if not module.name.startswith(_ELSEWHERE):
            importlib.import_module(module.name)
    by_code: dict[str, tuple[int, str]] = dict(_BY_THE_SITE)
    kinds = [WanderbuchError]
    for kind in kinds:  # the general before the special
        kinds += sorted(kind.__subclasses__(), key=lambda one: one.__name__)
        code = vars(kind).get("code")
        if (
            isinstance(code, str)
            and kind.__module__.startswith("wanderbuch.")
            and not kind.__module__.startswith(_ELSEWHERE)
        ):
            meaning = " ".join((kind.__doc__ or "").partition("\n\n")[0].split())
            by_code.setdefault(code, (status_of(kind.__new__(kind)), meaning.replace("|", "\\|")))
    return by_code


def table() -> str:
    lines = [f"| `{code}` | {status} | {meaning} |" for code, (status, meaning) in sorted(codes().items())]
    return "\n".join(["| `code` | Status | What it means |", "|---|---|---|", *lines])


def test_the_page_has_every_code_as_it_is_and_no_other() -> None:
    assert table() in PAGE.read_text(encoding="utf-8"), "make it anew: python -m tests.unit.runtime.test_error_page"


def test_every_code_that_has_a_status_of_its_own_is_one_that_is_answered() -> None:
    by_aiohttp = {"wrong-media-type", "wrong-method", "too-many"}
    assert STATUS_BY_CODE.keys() - codes().keys() <= by_aiohttp


if __name__ == "__main__":
    head = PAGE.read_text(encoding="utf-8").partition("| `code` |")[0]
    PAGE.write_text(head + table() + "\n", encoding="utf-8")
