"""People on the wire: what both desks show of theirs."""

from datetime import UTC, datetime

from wanderbuch.agents.authority.desk_models import OfficialOut
from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.verifier.staff import StaffMember, StaffRole
from wanderbuch.agents.verifier.staff_api import StaffMemberOut

BLOCKED = datetime(2026, 11, 28, tzinfo=UTC)


def test_a_person_is_shown_without_what_they_sign_in_with() -> None:
    official = Official(id="bo", name="Bo", roles=(OfficialRole.EDITOR,), token_hash="0" * 64, blocked_at=BLOCKED)
    assert OfficialOut.of(official).model_dump() == {
        "id": "bo",
        "name": "Bo",
        "roles": [OfficialRole.EDITOR],
        "blocked_at": BLOCKED,
        "removed_at": None,
    }


def test_the_people_of_the_two_desks_are_shown_alike() -> None:
    member = StaffMember(id="bo", name="Bo", roles=(StaffRole.ASKER,), token_hash="0" * 64)
    assert StaffMemberOut.of(member).model_dump(mode="json") == {
        "id": "bo",
        "name": "Bo",
        "roles": ["asker"],
        "blocked_at": None,
        "removed_at": None,
    }
