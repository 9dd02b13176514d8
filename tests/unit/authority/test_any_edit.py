"""Whatever an editor sends: it is refused or kept, told what is wrong with it, and never published with mistakes."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.thorough import examples

from wanderbuch.agents.authority.changes import HEADER_MEMBERS, ChangeError
from wanderbuch.agents.authority.draft import DraftState
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.form.model import CROSSWALK, SIGNATORIES
from wanderbuch.governance.form.records import RECORD_MEMBERS

from .conftest import AUTHORITY, CENTRE, World, accreditation, hire
from .flow import FIRST, published, served

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(accreditation()),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "status", "x", ""]), inner, max_size=3)
    ),
    max_leaves=8,
)
records = st.none() | st.dictionaries(st.sampled_from([*sorted(RECORD_MEMBERS - {"did"}), "more"]), values, max_size=3)
edits = st.fixed_dictionaries(
    {
        "header": st.dictionaries(st.sampled_from([*HEADER_MEMBERS, CROSSWALK, SIGNATORIES, "id"]), values, max_size=2),
        "records": st.dictionaries(st.sampled_from([str(CENTRE), str(AUTHORITY), "x"]), records, max_size=2),
    }
)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edit=edits)
async def test_any_edit_is_refused_or_told_what_is_wrong(world: World, edit: dict[str, Any]) -> None:
    desk = world.desk()
    people = await hire(desk) if not await desk.officials.all() else None
    if people is not None:
        await published(desk, people, **FIRST)
    editor, approver = await desk.officials.get("ed"), await desk.officials.get("ann")
    draft = await desk.drafts.open(editor, "anything")
    try:
        await desk.drafts.edit(draft.id, editor, **edit)
    except WanderbuchError:
        return
    await desk.drafts.diff(draft.id)
    errors = [finding for finding in await desk.drafts.findings(draft.id) if finding.severity is Severity.ERROR]
    try:
        given_in = await desk.drafts.submit(draft.id, editor)
    except RefusedError:
        assert errors
        await desk.drafts.reject(draft.id, editor, "nothing came of it")
        return
    assert not errors
    done = await desk.approve(draft.id, approver, revision=given_in.revision)
    assert done.state in (DraftState.PUBLISHED, DraftState.SIGNING)
    await served(world)
    if done.state is DraftState.SIGNING:
        await desk.reject(done.id, approver, "not meant")


@pytest.mark.parametrize("value", [1.5, float("nan"), 2**60, "\ud800", ["x"] * 10])
async def test_values_that_no_file_could_hold_are_refused_at_once(world: World, value: Any) -> None:
    desk = world.desk()
    people = await hire(desk)
    draft = await desk.drafts.open(people.editor, "anything")
    nested: Any = value
    if isinstance(value, list):
        for _ in range(40):
            nested = [nested]
    with pytest.raises(ChangeError):
        await desk.drafts.edit(draft.id, people.editor, header={"name": nested})


async def test_a_refusal_recorded_beside_nonsense_replaces_only_itself(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    draft = await desk.drafts.open(people.editor, "anything")
    await desk.drafts.edit(draft.id, people.editor, records={str(CENTRE): {"refusals": [5, {"id": "other"}]}})
    await desk.refuse(
        draft.id,
        people.editor,
        applicant=str(CENTRE),
        refusal_id="2026-1",
        occupations=["C7212"],
        decision="https://authority.example.test/decisions/1",
        reason="no workshop",
    )
    record = await desk.drafts.record(draft.id, str(CENTRE))
    assert record is not None
    assert [refusal if isinstance(refusal, int) else refusal["id"] for refusal in record["refusals"]] == [
        5,
        "other",
        "2026-1",
    ]
