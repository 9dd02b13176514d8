"""Large files: divided by themselves, changed part by part, and put back when the folder loses them."""

import json
from typing import Any

import pytest

from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.draft import DraftState
from wanderbuch.canonical_json import canonical
from wanderbuch.governance.divided.bulk import load_unverified
from wanderbuch.governance.divided.division import divide, division_of, part_name
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.statements import Division
from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.governance.signed.jws import unverified_payload
from wanderbuch.plugins.webvh.publisher import FolderPublisher

from .conftest import CENTRE, HEADER, SCID, World, centre_record, hire
from .flow import FIRST, fresh, published, served

SMALL = 64 * 1024


def centres(count: int, *, title: str = "Welding") -> dict[str, Any]:
    """Return records of this many centres."""
    dids = [Did.parse(f"did:webvh:{SCID}:centre{number}.example.test:org") for number in range(count)]
    records = {
        str(did): centre_record(number, name=f"Centre {number}", issuer=did) for number, did in enumerate(dids, start=1)
    }
    for record in records.values():
        record["accreditations"][0]["title"] = title
    return records


class Counting(FolderPublisher):
    """A public folder that remembers what was written."""

    def __init__(self, folder: Any) -> None:
        super().__init__(folder)
        self.written: list[str] = []

    async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
        self.written.append(path.removeprefix("governance/sri-lanka/"))
        await super().put(path, body, content_type, number=number)


async def test_a_large_file_is_divided_and_a_change_moves_the_root_and_one_part(world: World) -> None:
    world.divide_above_bytes = SMALL
    desk = world.desk()
    people = await hire(desk)
    records = centres(200)
    done = await published(desk, people, header=HEADER, records=records)
    root = json.loads(unverified_payload(world.file("current.jws")))
    division = division_of(root)
    assert done.state is DraftState.PUBLISHED
    assert all(world.file(part_name(part.digest)) for part in division.parts)
    assert (await served(world)).file.accreditations == ()

    did = next(iter(records))
    folder = Counting(world.folder)
    again = world.desk(folder)
    await published(again, people, records={did: centre_record(1, name="Renamed", issuer=Did.parse(did))})
    parts = [path for path in folder.written if path.startswith("parts/")]
    changed = division_of(json.loads(unverified_payload(world.file("current.jws"))))
    assert parts == [part_name(changed.part_of(did).digest)]
    assert sum(old != new for old, new in zip(division.parts, changed.parts, strict=True)) == 1
    record = await (await again.publication.published()).record(did)
    assert record is not None
    assert record["description"] == {"name": "Renamed"}
    assert (await fresh(world)).version == 2


async def test_a_divided_file_says_what_the_whole_one_would(world: World) -> None:
    world.divide_above_bytes = SMALL
    desk = world.desk()
    people = await hire(desk)
    records = centres(130)
    await published(desk, people, header=HEADER, records=records)
    await published(desk, people, records={next(iter(records)): None}, header={"description": "One fewer"})
    base = await desk.publication.published()
    whole = await base.payload()
    assert whole is not None
    assert base.division is not None
    read = load_unverified(parse_file(canonical(base.root or {})), lambda digest: world.file(part_name(digest)))
    stated = parse_file(canonical(whole))
    assert set(read.accreditations) == set(stated.accreditations)
    assert {participant for participant in read.participants if participant.name} == set(stated.participants)
    assert len(read.accreditations) == len(await base.records()) == 129


async def test_mistakes_in_a_divided_file_are_found(world: World) -> None:
    world.divide_above_bytes = SMALL
    desk = world.desk()
    people = await hire(desk)
    records = centres(130)
    await published(desk, people, header=HEADER, records=records)
    wrong = centre_record(1)
    wrong["accreditations"][0]["occupations"] = ["C9999"]
    draft = await desk.drafts.open(people.editor, "wrong")
    await desk.drafts.edit(draft.id, people.editor, records={str(CENTRE): wrong})
    rules = [finding.rule for finding in await desk.drafts.findings(draft.id)]
    assert "occupation-known" in rules


async def test_an_id_that_stands_in_a_part_far_away_is_not_given_again(world: World) -> None:
    world.divide_above_bytes = SMALL
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people, header=HEADER, records=centres(130))
    for number, refused in ((77, True), (999, False)):
        draft = await desk.drafts.open(people.editor, "one more")
        for index in range(8):  # so that some lie in other parts than number 77
            did = Did.parse(f"did:webvh:{SCID}:further{index}.example.test:org")
            await desk.drafts.edit(draft.id, people.editor, records={str(did): centre_record(number, issuer=did)})
            findings = await desk.drafts.findings(draft.id)
            assert any(finding.severity is Severity.ERROR for finding in findings) == refused
            await desk.drafts.edit(draft.id, people.editor, undo=[str(did)])


async def test_a_change_of_the_header_is_looked_at_beside_every_record(world: World) -> None:
    world.divide_above_bytes = SMALL
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people, header=HEADER, records=centres(130))
    draft = await desk.drafts.open(people.editor, "no schema any more")
    await desk.drafts.edit(draft.id, people.editor, header={"schemas": []})
    wrong = [finding for finding in await desk.drafts.findings(draft.id) if finding.rule == "schema-listed"]
    assert len(wrong) == 130


async def test_parts_that_the_folder_has_lost_are_put_back_at_start(world: World) -> None:
    world.divide_above_bytes = SMALL
    desk = world.desk()
    await published(desk, await hire(desk), header=HEADER, records=centres(130))
    lost = sorted((world.folder / "governance/sri-lanka/parts").iterdir())
    bodies = [path.read_bytes() for path in lost]
    lost[0].unlink()
    lost[1].write_bytes(b"[]")
    await world.desk().publication.repair()
    assert [path.read_bytes() for path in lost] == bodies


async def test_a_suspension_in_a_divided_file_moves_one_part(world: World) -> None:
    world.divide_above_bytes = SMALL
    desk = world.desk()
    people = await hire(desk)
    records = centres(130)
    await published(desk, people, header=HEADER, records=records)
    folder = Counting(world.folder)
    did = next(iter(records))
    await world.desk(folder).suspend(did, people.approver, why="not supervised")
    assert len([path for path in folder.written if path.startswith("parts/")]) == 1
    record = await (await world.desk().publication.published()).record(did)
    assert record is not None
    assert [accreditation["status"][-1]["status"] for accreditation in record["accreditations"]] == ["suspended"]


async def test_a_file_that_grew_many_times_over_has_parts_as_small_as_before(world: World) -> None:
    world.divide_above_bytes = SMALL
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people, header=HEADER, records=centres(125))
    first = await division_now(desk)
    await published(desk, people, records=centres(700, title="Welding " * 200))
    await published(desk, people, header={"description": "after growth"})
    grown = await division_now(desk)
    assert len(grown.parts) > 8 * len(first.parts)
    assert max(part.size for part in grown.parts) < 2 * max(part.size for part in first.parts)
    assert len(await (await desk.publication.published()).records()) == 700


async def test_a_file_that_lost_most_has_fewer_parts_no_smaller_than_before(world: World) -> None:
    world.divide_above_bytes = 16 * 1024
    desk = world.desk()
    people = await hire(desk)
    records = centres(700)
    await published(desk, people, header=HEADER, records=records)
    first = await division_now(desk)
    await published(desk, people, records=dict.fromkeys(list(records)[70:]))
    await published(desk, people, header={"description": "after many have left"})
    left = await division_now(desk)
    assert len(left.parts) * 4 < len(first.parts)
    assert min(part.size for part in left.parts) > min(part.size for part in first.parts) / 2


@pytest.mark.parametrize(("bits", "anew"), [(3, False), (1, True)])
async def test_a_file_of_before_keeps_its_parts_until_they_are_far_too_large(
    world: World, monkeypatch: pytest.MonkeyPatch, bits: int, anew: bool
) -> None:
    world.divide_above_bytes = SMALL
    desk = world.desk()
    people = await hire(desk)
    with monkeypatch.context() as before:  # a part for each bucket, as authorities laid files out
        before.setattr("wanderbuch.agents.authority.published.divide", lambda payload: divide(payload, bits))
        await published(desk, people, header=HEADER, records=centres(300))
    first = await division_now(desk)
    await published(desk, people, header={"description": "another"})
    later = await division_now(desk)
    assert {part.buckets for part in first.parts} == {1}
    assert ({part.buckets for part in later.parts} != {1}) == anew
    assert (later == first) != anew
    assert len(await (await desk.publication.published()).records()) == 300


async def division_now(desk: Desk) -> Division:
    division = (await desk.publication.published()).division
    assert division is not None
    return division


async def test_a_small_file_stays_in_one_piece(world: World) -> None:
    desk = world.desk()
    await published(desk, await hire(desk), **FIRST)
    assert (await desk.publication.published()).division is None
    assert len((await served(world)).file.accreditations) == 1
