"""The first person of a desk that signed up has an id that no stranger guesses, and so no stranger locks out."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from wanderbuch.agents.verifier.getting_in.first_person import FirstPerson, let_first_in
from wanderbuch.agents.verifier.office import VerifierOffice


class _Staff:
    def __init__(self) -> None:
        self.ids: list[str] = []

    async def add(self, person_id: str, **_: Any) -> tuple[None, str]:
        self.ids.append(person_id)
        return None, "a token"


async def _let_in() -> tuple[FirstPerson, list[str]]:
    staff = _Staff()
    office = SimpleNamespace(
        tenant=SimpleNamespace(name="Yard"),
        desk_place="/t/yard/desk",
        sign_in=SimpleNamespace(passkeys=None),
        staff=staff,
    )
    return await let_first_in(cast("VerifierOffice", office)), staff.ids


@pytest.mark.asyncio
async def test_two_desks_have_first_people_of_different_ids() -> None:
    (one, [own_id]), (other, _) = await _let_in(), await _let_in()
    assert one.id == own_id
    assert one.id != other.id
    assert len(one.id) >= len("owner-") + 10
