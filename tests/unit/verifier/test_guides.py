"""The guides of who asks, of who defends a decision, and of who writes programs name what there is, and only that."""

import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer
from pydantic import BaseModel

import wanderbuch.client
from wanderbuch.agents.cli import command_line
from wanderbuch.agents.holder.role import ROLE as HOLDER
from wanderbuch.agents.issuer.role import ROLE as ISSUER
from wanderbuch.agents.runtime.app import Route
from wanderbuch.agents.runtime.events.routes import EVENT_ROUTES
from wanderbuch.agents.runtime.webhooks.routes import WEBHOOK_ROUTES
from wanderbuch.agents.verifier.answers import AskAgain, ReasonedAnswerOut
from wanderbuch.agents.verifier.papers.models import PaperIn, PaperOut
from wanderbuch.agents.verifier.receipts import ReceiptOut
from wanderbuch.agents.verifier.role import ROLE as VERIFIER
from wanderbuch.client import VerifierClient
from wanderbuch.plugins.trust.verifying.answer_facts import FactKind, FactOutcome
from wanderbuch.plugins.trust.verifying.answer_grounds import _RULE_OF
from wanderbuch.plugins.trust.verifying.answer_terms import AnswerCategory
from wanderbuch.store.event_kinds import EventKind

DOCS: Final = Path(__file__).parents[3] / "docs"
GUIDES: Final = {name: (DOCS / f"{name}.md").read_text() for name in ("asking", "employers", "deciding", "integrators")}
GROUPS: Final[dict[str, Sequence[Route]]] = {
    "/verifier": VERIFIER.routes(),
    "/issuer": ISSUER.routes(),
    "/holder": HOLDER.routes(),
    "/events": EVENT_ROUTES,
    "/webhooks": WEBHOOK_ROUTES,
}
ROUTES: Final = [(group, route) for group, routes in GROUPS.items() for route in routes]


def known(method: str, path: str) -> bool:
    """Return whether there is such a route; "…" stands for how an address begins."""
    path = re.sub(r"^/v1(/t/<tenant>)?", "", path.partition("?")[0]).replace("$ID", "{id}").rstrip("/")
    path = re.sub(r"\{event\.subject\}|(?<=/templates/)welder", "{id}", path)
    for group, route in ROUTES:
        whole = group + route.path
        if method == route.method and (whole == path or (path.startswith("…") and whole.endswith(path[1:]))):
            return True
        if method == route.method and group == "/verifier" and route.path == path:
            return True
    return False


def test_each_route_that_a_guide_names_is_there() -> None:
    named = {
        (name, *route)
        for name, text in GUIDES.items()
        for route in re.findall(r"\b(GET|POST|PUT|DELETE) ((?:/|…/)[^\s`,;)]+)", text)
    }
    assert len(named) > 20
    assert [one for one in sorted(named) if not known(*one[1:])] == []


def test_what_hears_an_idempotency_key_is_listed_and_nothing_else() -> None:
    told = GUIDES["integrators"].partition("A call that makes something (")[2].partition(")")[0]
    listed = [path.removeprefix("/verifier") for path in re.findall(r"`(?:POST )?([^`]+)`", told)]
    once = [route.path if group == "/verifier" else group + route.path for group, route in ROUTES if route.once]
    assert sorted(listed) == sorted(once)


def test_the_facts_of_a_decision_stand_in_the_guide_in_their_order() -> None:
    text = GUIDES["deciding"]
    told = text.partition("The facts, in the order in which they are looked at.")[2].partition("\n\n")[0]
    assert re.findall(r"`(\w+)`", told) == [kind.value for kind in FactKind]
    rule, numbered = 0, {}
    for number, name in re.findall(r"(?:\b(\d) )?`(\w+)`", told):
        rule = int(number or rule)
        numbered[FactKind(name)] = rule
    assert {kind: numbered[kind] for kind in _RULE_OF} == _RULE_OF, "as the judgement numbers its rules"
    rows = {row[0]: row[1] for row in re.findall(r"^\| (`[^|]+`) \| ([^\n]+) \|$", text, re.MULTILINE)}
    members = [name for names in rows for name in re.findall(r"`(\w+)`", names)]
    assert {*members, "good_until_ends_with"} == set(ReasonedAnswerOut.model_fields)
    for words, kind in (("`facts`", FactOutcome), ("`category`", AnswerCategory), ("`ask_again`", AskAgain)):
        assert {f"`{one.value}`" for one in kind} <= set(re.findall(r"`\w+`", rows[words])), words


def test_the_commands_have_the_options_that_the_guides_give_them() -> None:
    lines = [
        line.strip().partition("#")[0].split()
        for text in GUIDES.values()
        for line in re.findall(r"^\s*(wanderbuch (?:receipt|case|governance|demo)[^\n`]*)$", text, re.MULTILINE)
    ]
    assert len(lines) >= 5
    for words in lines:
        command = typer.main.get_command(command_line(words[1:]))
        for word in words[1:3]:
            command = getattr(command, "commands", {}).get(word, command)
        options = {option for parameter in command.params for option in parameter.opts}
        given = {word for word in words if word.startswith("--")}
        assert given <= options, (words, options)


def test_the_members_events_and_calls_that_the_guides_name_are_there() -> None:
    models: dict[str, type[BaseModel]] = {"receipt": ReceiptOut, "paper": PaperOut, "asked on paper": PaperIn}
    named = {
        "receipt": ("receipt", "content", "address"),
        "paper": ("verdict", "told", "note", "centre_counted"),
        "asked on paper": ("centre", "occupation", "place", "awarded_on", "language"),
    }
    for about, members in named.items():
        assert all(f"`{one}`" in GUIDES["deciding"] or f'"{one}"' in GUIDES["deciding"] for one in members), about
        assert set(members) <= set(models[about].model_fields), about
    kinds = {kind.value for kind in EventKind}
    assert set(re.findall(r"`(request\.\w+)`", GUIDES["integrators"])) <= kinds
    example = GUIDES["integrators"].partition("```python\n")[2].partition("```")[0]
    for call in re.findall(r"verifier\.(\w+)\(", example):
        assert inspect.iscoroutinefunction(getattr(VerifierClient, call)), call
    assert "at" in inspect.signature(wanderbuch.client.verified_event).parameters
