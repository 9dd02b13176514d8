"""Addresses as people type them: without the slash at their end, too."""

import pytest

from wanderbuch.agents.authority.role import ROLE as AUTHORITY
from wanderbuch.agents.issuer.role import ROLE as ISSUER
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.verifier.role import ROLE as VERIFIER


@pytest.mark.parametrize("role", [AUTHORITY, ISSUER, VERIFIER], ids=lambda role: role.name)
def test_every_page_is_found_without_the_slash_at_its_end(role: Role) -> None:
    paths = {route.path for route in (*role.public_routes(), *role.app_pages()) if route.method == "GET"}
    starts = {path for path in paths if path.endswith("/") and "{" not in path}
    assert {path.rstrip("/") for path in starts} <= paths
