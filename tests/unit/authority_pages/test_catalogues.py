from wanderbuch.agents.authority.pages.kit import KIT
from wanderbuch.agents.authority.pages.standing_view import StandingEventKind, State
from wanderbuch.agents.authority.pages.statement_forms import DESCRIPTION_FORM, statement_forms
from wanderbuch.governance.facts.question import Purpose, Verdict
from wanderbuch.governance.importing.columns import COLUMNS
from wanderbuch.governance.signed.history import Action


def test_every_state_event_and_field_has_its_words() -> None:
    keys = KIT.catalogues.sentences("en").keys()
    for kind in (State, StandingEventKind, Purpose, Verdict, Action):
        prefix = {State: "badge", StandingEventKind: "event", Purpose: "purpose", Verdict: "verdict", Action: "action"}[
            kind
        ]
        assert {f"{prefix}.{member.value}" for member in kind} <= keys
    assert {f"column.{column.name}" for column in COLUMNS} <= keys
    for form in statement_forms().values():
        assert {form.title, f"{form.title}s", f"{form.title}_add"} <= keys
    listed = [field for form in statement_forms().values() for field in form.fields]
    listed += [inner for field in listed for inner in field.fields]
    for field in (*listed, *DESCRIPTION_FORM):
        assert field.label in keys
        assert not field.has_hint or f"{field.label}_hint" in keys
