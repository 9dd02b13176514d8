"""The list of an issuer's registries: complete by itself, and nobody else's."""

import json

import pytest

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import HttpError
from wanderbuch.plugins.webvh.errors import ResourceError
from wanderbuch.plugins.webvh.publisher import FolderPublisher
from wanderbuch.plugins.webvh.registry_index import publish_registry_index, published_registries


def registry(did: WebvhDid, letter: str) -> str:
    return f"{did}/resources/zQm{letter * 44}"


async def test_what_was_published_is_found(did: WebvhDid, publisher: FolderPublisher, edge: HttpEdge) -> None:
    wanted = {registry(did, "R"), registry(did, "Q")}
    await publish_registry_index(did, wanted, publisher)
    assert set(await published_registries(edge, did, timeout_s=5)) == wanted


async def test_an_issuer_without_a_list_is_told_from_one_with_none(did: WebvhDid, edge: HttpEdge) -> None:
    with pytest.raises(HttpError):
        await published_registries(edge, did, timeout_s=5)


@pytest.mark.parametrize(
    "listed",
    [
        {
            "registries": [
                "did:webvh:QmXk3Zx9bFBqDGUNqLyXSWEUC3xgjUN1JwPj9pyAGGxVcT:other.test:org/resources/zQm" + "R" * 44
            ]
        },
        {"registries": ["not an id"]},
        {"registries": [7]},
        {"registries": "R"},
        {"list": []},
        [],
    ],
)
async def test_a_list_of_anything_else_is_refused(
    did: WebvhDid, publisher: FolderPublisher, edge: HttpEdge, listed: object
) -> None:
    await publisher.put("org/registries.json", json.dumps(listed).encode(), "application/json")
    with pytest.raises(ResourceError):
        await published_registries(edge, did, timeout_s=5)


async def test_an_unchanged_list_is_not_written_again(did: WebvhDid, publisher: FolderPublisher) -> None:
    class Counting(FolderPublisher):
        writes = 0

        async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
            self.writes += 1
            await super().put(path, body, content_type, number=number)

    counting = Counting(publisher.folder)
    for letters in ("R", "R", "RQ"):
        await publish_registry_index(did, [registry(did, letter) for letter in letters], counting)
    assert counting.writes == 2
