"""`wanderbuch store publish`: a public folder in a bucket, with its numbers."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.objects import SECRET, Bucket

from wanderbuch.agents.cli.store.publishing import Brought, publish_folder
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import ObjectsConfig
from wanderbuch.agents.runtime.public_place import public_files
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.webvh.publisher import FolderPublisher, NewerFileError

type Filled = Callable[[], Awaitable[Path]]


@pytest.fixture
def config(agent_config: AgentConfig, bucket: Bucket) -> AgentConfig:
    """An agent that publishes into a bucket."""
    public = agent_config.public.model_copy(update={"objects": ObjectsConfig.model_validate(bucket.table())})
    return agent_config.model_copy(update={"public": public, "objects_secret": SecretStr(SECRET)})


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """What an agent published before."""
    folder = tmp_path / "public"
    await FolderPublisher(folder).put("org/did.jsonl", b"three\n", "text/jsonl", number=3)
    await FolderPublisher(folder).put("org/tails/x", b"tails", "application/octet-stream")
    await FolderPublisher(folder / "hosts" / "school.test").put("org/did.jsonl", b"two\n", "text/jsonl", number=2)
    (folder / ".folder").write_text("mark")
    (folder / "a name with spaces").write_text("x")
    (folder / "link").symlink_to("/etc/passwd")
    return folder


async def test_every_file_is_brought_with_its_number_and_again_nothing_changes(
    config: AgentConfig, folder: Path, bucket: Bucket
) -> None:
    assert await publish_folder(config, folder) == Brought(put=3, kept=0, left_out=2)
    assert await publish_folder(config, folder) == Brought(put=0, kept=3, left_out=2)
    keys = {listing["Key"] for listing in bucket.client.list_objects_v2(Bucket=bucket.name)["Contents"]}
    assert keys == {"org/.conditions", "org/org/did.jsonl", "org/org/tails/x", "org/hosts/school.test/org/did.jsonl"}
    for host, number in ((None, 3), ("school.test", 2)):
        publisher = public_files(config).publisher(host)
        with pytest.raises(NewerFileError, match=f"it has the number {number}"):
            await publisher.put("org/did.jsonl", b"one\n", "text/jsonl", number=1)


async def test_what_was_copied_there_by_hand_gets_its_number(config: AgentConfig, folder: Path, bucket: Bucket) -> None:
    bucket.client.put_object(Bucket=bucket.name, Key="org/org/did.jsonl", Body=b"three\n")
    assert (await publish_folder(config, folder)).kept == 1
    with pytest.raises(NewerFileError, match="it has the number 3"):
        await public_files(config).publisher().put("org/did.jsonl", b"two\n", "text/jsonl", number=2)


async def test_what_is_newer_there_stays(config: AgentConfig, folder: Path) -> None:
    publisher = public_files(config).publisher()
    await publisher.put("org/did.jsonl", b"four\n", "text/jsonl", number=4)
    assert await publish_folder(config, folder) == Brought(put=2, kept=1, left_out=2)
    assert await publisher.get("org/did.jsonl") == b"four\n"


async def test_another_file_where_files_never_change_is_refused(config: AgentConfig, folder: Path) -> None:
    await public_files(config).publisher().put("org/tails/x", b"other tails", "application/octet-stream")
    with pytest.raises(ConfigurationError, match="another org/tails/x lies in the object store"):
        await publish_folder(config, folder)


async def test_without_an_object_store_or_a_folder_it_says_so(
    agent_config: AgentConfig, config: AgentConfig, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="has no object store"):
        await publish_folder(agent_config, tmp_path)
    with pytest.raises(ConfigurationError, match="there is no folder"):
        await publish_folder(config, tmp_path / "nowhere")
