"""What `/` of a verifier's two sites offers to people."""

from wanderbuch.agents.runtime.tenant_config import Place, TenantConfig
from wanderbuch.agents.site.rendering import Kit
from wanderbuch.agents.verifier.config import VerifierConfig
from wanderbuch.agents.verifier.role import ROLE


def entries(**settings: object) -> dict[tuple[str, str], str]:
    config = VerifierConfig.model_validate(settings)
    place = Place("yard.example", "org", "", "https://yard.example/didcomm")
    shown = ROLE.entries(TenantConfig("a", "A", place, {"verifier": config}))
    return {(entry.site.value, entry.name): entry.path for entry in shown}


def test_the_desk_is_there() -> None:
    assert entries() == {("app", "asking"): "/desk/{language}/"}


def test_questions_without_an_account_are_there_only_where_they_are_taken() -> None:
    assert entries(walk_in={"enabled": True})["public", "prove"] == "/prove/{language}/"


def test_every_entry_has_its_words() -> None:
    known = Kit().catalogues.sentences("en").keys()
    for _, name in entries(walk_in={"enabled": True}):
        assert {f"entry.{name}", f"entry.{name}_hint"} <= known
