"""The power fails behind every step of a publication: no version is half or twice, and none that was out is changed."""

from tests.unit.power import Power, power

from wanderbuch.agents.authority.draft import DraftState
from wanderbuch.governance.facts.identifiers import Did

from .conftest import SCID, World, centre_record, hire, payload
from .flow import fresh, published, served, submitted, told

__all__ = ["power"]


async def test_a_version_is_published_once_wherever_the_power_fails(world: World, power: Power) -> None:
    await world.publication().publish(payload(1))
    for version, steps in enumerate(power.cuts(), 2):
        out = {number: world.file(f"versions/{number}.jws") for number in range(1, version)}
        cut = await power.lasts(steps, lambda number=version: world.publication().publish(payload(number)))
        assert (await served(world)).file.version in (version - 1, version)
        if cut:
            await world.publication().repair()  # the next start
            await world.publication().publish(payload(version))  # who saw no answer sends it again
        assert (await fresh(world)).version == version, f"cut after {steps} steps"
        assert {number: world.file(f"versions/{number}.jws") for number in out} == out
        versions = [entry.version for entry in await told(world)]
        assert versions.count(version) == 1
        if not cut:
            break
    assert steps > 4


async def test_a_draft_becomes_one_version_wherever_the_power_fails(world: World, power: Power) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    for steps in power.cuts():
        desk = world.desk()
        before = (await served(world)).file.version
        centre = Did.parse(f"did:webvh:{SCID}:centre-{steps}.example.test:org")
        record = centre_record(100 + steps, name=f"Centre {steps}", issuer=centre)
        draft = await submitted(desk, people, records={str(centre): record})
        cut = await power.lasts(
            steps,
            lambda desk=desk, draft=draft: desk.approve(draft.id, people.approver, revision=draft.revision),
        )
        if cut:
            desk = world.desk()
            await desk.publication.repair()
            await desk.go_on()
            if (await desk.drafts.get(draft.id)).state is DraftState.SUBMITTED:  # nothing had been decided
                await desk.approve(draft.id, people.approver, revision=draft.revision)
        assert (await desk.drafts.get(draft.id)).state is DraftState.PUBLISHED, f"cut after {steps} steps"
        assert (await served(world)).file.version == before + 1
        assert (await served(world)).file.participant_name(centre) == f"Centre {steps}"
        versions = [entry.version for entry in await told(world)]
        assert versions.count(before + 1) == 1
        if not cut:
            break
    assert steps > 6
