"""What `/` of an authority's two sites offers to people."""

import pytest

from wanderbuch.agents.authority.config import AuthorityConfig
from wanderbuch.agents.authority.role import ROLE
from wanderbuch.agents.runtime.front import SiteKind
from wanderbuch.agents.runtime.tenant_config import Place, TenantConfig
from wanderbuch.agents.site.rendering import Kit


def entries(*, prefix: str = "", **settings: object) -> dict[tuple[str, str], str]:
    config = AuthorityConfig.model_validate({"ecosystem": "lanka", **settings})
    place = Place("authority.example", prefix or "org", prefix, "https://authority.example/didcomm")
    entries_of_role = ROLE.entries(TenantConfig("a", "A", place, {"authority": config}))
    return {(entry.site.value, entry.name): entry.path for entry in entries_of_role}


def test_the_register_the_file_and_the_desk_are_there() -> None:
    assert entries() == {
        ("public", "register"): "/registry/{language}/",
        ("public", "file"): "/governance/lanka/current.jws",
        ("app", "desk"): "/desk/{language}/",
    }


def test_the_endpoint_is_there_only_where_it_answers() -> None:
    assert entries(trqp={"enabled": True})["public", "trqp"] == "/trqp/2.0/"


def test_a_tenant_below_a_path_has_no_register() -> None:
    assert ("public", "register") not in entries(prefix="galle")


@pytest.mark.parametrize("site", list(SiteKind))
def test_every_entry_has_its_words(site: SiteKind) -> None:
    known = Kit().catalogues.sentences("en").keys()
    for kind, name in entries(trqp={"enabled": True}):
        assert kind != site.value or {f"entry.{name}", f"entry.{name}_hint"} <= known
