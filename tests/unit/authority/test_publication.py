"""Publishing a governance file: in order, never changed, never half a step, and fresh."""

from datetime import timedelta

import pytest

from wanderbuch.agents.authority.publication import PublicationRefusedError, VersionState
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.form import validation
from wanderbuch.governance.form.domain import to_domain
from wanderbuch.governance.form.parts import Parts
from wanderbuch.governance.signed.freshness import verify_freshness
from wanderbuch.governance.signed.signing import verify_file
from wanderbuch.plugins.webvh.publisher import FolderPublisher

from .conftest import AUTHORITY, CENTRE, World, payload


class PowerCutError(Exception):
    """The power went off."""


class FailingPublisher(FolderPublisher):
    """A public folder whose disk fails when a certain file is written."""

    def __init__(self, folder, failing: str, error: Exception) -> None:
        super().__init__(folder)
        self._failing = failing
        self._error = error

    async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
        if path.endswith(self._failing):
            raise self._error
        await super().put(path, body, content_type, number=number)


async def served(world: World):
    signed = await verify_file(world.file("current.jws"), author=AUTHORITY, resolve_key=world.key.resolve)
    statement = await verify_freshness(
        world.file("freshness.jws"), author=AUTHORITY, resolve_key=world.key.resolve, at=world.clock()
    )
    return signed, statement


async def test_publishes_a_signed_version_with_a_freshness_statement_about_exactly_it(world: World) -> None:
    version, is_new = await world.publication().publish(payload(1))
    signed, statement = await served(world)
    assert is_new
    assert version.state is VersionState.PUBLISHED
    assert signed.ref == version.ref == statement.ref
    assert world.file("versions/1.jws") == world.file("current.jws")
    assert statement.exp - statement.iat == timedelta(hours=1)


async def test_a_file_is_read_once_for_all_that_is_done_with_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    publication = world.publication()
    await publication.publish(payload(1))
    read: list[int] = []

    def counted(parts: Parts) -> GovernanceFile:
        file = to_domain(parts)
        read.append(file.version)
        return file

    monkeypatch.setattr(validation, "to_domain", counted)
    await publication.publish(payload(2))
    assert read == [2]
    assert (await served(world))[0].file.version == 2


async def test_next_version_leaves_the_file_of_the_version_before_untouched(world: World) -> None:
    publication = world.publication()
    await publication.publish(payload(1))
    first = world.file("versions/1.jws")
    await publication.publish(payload(2))
    assert world.file("versions/1.jws") == first
    assert (await served(world))[0].file.version == 2


@pytest.mark.parametrize("version", [2, 1])
async def test_refuses_a_version_that_is_not_greater_than_the_current_one(world: World, version: int) -> None:
    publication = world.publication()
    await publication.publish(payload(2))
    with pytest.raises(PublicationRefusedError) as refused:
        await publication.publish(payload(version, name="Another text"))
    assert [finding.rule for finding in refused.value.findings] == ["next-version"]
    assert (await served(world))[0].file.version == 2
    assert refused.value.members["findings"][0]["path"] == "/version"


async def test_sending_the_current_version_once_more_changes_nothing(world: World) -> None:
    publication = world.publication()
    first, _ = await publication.publish(payload(1))
    again, is_new = await publication.publish(payload(1))
    assert (again.ref, is_new) == (first.ref, False)
    assert len(await publication.versions()) == 1


async def test_refuses_another_authors_file(world: World) -> None:
    with pytest.raises(PublicationRefusedError) as refused:
        await world.publication().publish(payload(1, author=CENTRE))
    assert "own-author" in [finding.rule for finding in refused.value.findings]
    assert not world.has("current.jws")


async def test_refuses_another_id_than_the_versions_before(world: World) -> None:
    publication = world.publication()
    await publication.publish(payload(1))
    with pytest.raises(PublicationRefusedError) as refused:
        await publication.publish(payload(2, id="https://authority.example.test/governance/elsewhere"))
    assert "same-id" in [finding.rule for finding in refused.value.findings]


async def test_refuses_a_file_that_is_not_valid_and_says_where(world: World) -> None:
    with pytest.raises(PublicationRefusedError) as refused:
        await world.publication().publish(payload(1, format="2.0"))
    assert "/format" in [finding.path for finding in refused.value.findings]
    assert not world.has("versions/1.jws")


async def test_crash_before_current_leaves_the_old_version_fresh_and_the_next_start_completes(world: World) -> None:
    await world.publication().publish(payload(1))
    before = world.file("current.jws"), world.file("freshness.jws")
    with pytest.raises(PowerCutError):
        await world.publication(FailingPublisher(world.folder, "current.jws", PowerCutError())).publish(payload(2))
    assert (world.file("current.jws"), world.file("freshness.jws")) == before
    await world.publication().repair()
    signed, statement = await served(world)
    assert signed.file.version == statement.version == 2


async def test_crash_between_current_and_freshness_is_completed_by_the_next_reissue(world: World) -> None:
    await world.publication().publish(payload(1))
    with pytest.raises(PowerCutError):
        await world.publication(FailingPublisher(world.folder, "freshness.jws", PowerCutError())).publish(payload(2))
    await world.publication().reissue()
    signed, statement = await served(world)
    assert signed.ref == statement.ref
    assert signed.file.version == 2


async def test_full_disk_at_the_first_file_leaves_nothing_behind(world: World) -> None:
    full = ConfigurationError("no space left")
    publication = world.publication(FailingPublisher(world.folder, "versions/1.jws", full))
    with pytest.raises(ConfigurationError):
        await publication.publish(payload(1))
    assert await publication.versions() == []
    _, is_new = await world.publication().publish(payload(1, name="Corrected text"))
    assert is_new


async def test_a_disk_that_fails_right_after_the_file_is_out_does_not_block_the_number(world: World) -> None:
    class FailingAfter(FolderPublisher):
        async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
            await super().put(path, body, content_type, number=number)
            if path.endswith("versions/1.jws"):
                raise ConfigurationError("the disk failed after the file was renamed")

    with pytest.raises(ConfigurationError):
        await world.publication(FailingAfter(world.folder)).publish(payload(1))
    first = world.file("versions/1.jws")
    world.clock.advance(minutes=1)
    publication = world.publication()
    await publication.publish(payload(2))
    assert world.file("versions/1.jws") == first
    assert [version.version for version in await publication.versions()] == [2, 1]


async def test_never_overwrites_another_file_of_the_same_version(world: World) -> None:
    place = world.folder / "governance/sri-lanka/versions/1.jws"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"somebody else's")
    with pytest.raises(ConfigurationError, match="versions never change"):
        await world.publication().publish(payload(1))
    assert place.read_bytes() == b"somebody else's"


async def test_puts_back_files_that_the_public_folder_has_lost(world: World) -> None:
    await world.publication().publish(payload(1))
    await world.publication().publish(payload(2))
    for name in ("versions/1.jws", "current.jws"):
        (world.folder / "governance/sri-lanka" / name).unlink()
    await world.publication().repair()
    assert world.has("versions/1.jws")
    assert (await served(world))[0].file.version == 2


async def test_reissue_moves_the_end_of_freshness_and_nothing_else(world: World) -> None:
    publication = world.publication()
    await publication.publish(payload(1))
    current, (_, before) = world.file("current.jws"), await served(world)
    world.clock.advance(minutes=10)
    await publication.reissue()
    _, after = await served(world)
    assert world.file("current.jws") == current
    assert after.exp - before.exp == timedelta(minutes=10)


async def test_reissue_without_any_version_issues_nothing(world: World) -> None:
    assert await world.publication().reissue() is None
    assert not world.has("freshness.jws")
