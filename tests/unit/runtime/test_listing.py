import pytest

from wanderbuch.agents.runtime.listing import Asked, asked_part
from wanderbuch.agents.runtime.problems import MalformedError


def test_reads_which_part_of_a_list_is_asked_for() -> None:
    assert asked_part({}) == Asked(200, None)
    assert asked_part({"limit": "1", "cursor": "c"}) == Asked(1, "c")
    assert asked_part({"limit": "500", "cursor": ""}) == Asked(500, None)


@pytest.mark.parametrize("limit", ["0", "501", "-1", "x", "", "1.5", "٣", "1" * 400])
def test_refuses_a_limit_that_is_none(limit: str) -> None:
    with pytest.raises(MalformedError):
        asked_part({"limit": limit})
