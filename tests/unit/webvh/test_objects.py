import json
from typing import Any

import pytest
from aiohttp import web
from tests.unit.http.tls_host import TlsHost
from tests.unit.webvh.conftest import Issuer

from wanderbuch.governance.facts.identifiers import DidUrl, ResourceId, WebvhDid
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import RedirectRefusedError, TooLargeError
from wanderbuch.plugins.webvh.dids import rotate_assertion_key
from wanderbuch.plugins.webvh.document import DidDocument
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.errors import ForkError, ResourceError, ShortenedHistoryError, StatusListNotFoundError
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory
from wanderbuch.plugins.webvh.objects import MAX_RESOURCE_BYTES, AttestedObjects
from wanderbuch.plugins.webvh.own import publishing
from wanderbuch.plugins.webvh.own_resources import keep_resource, own_resource, publish_resources
from wanderbuch.plugins.webvh.resources import AttestedResource, ResourceType, StatusLink, Vouched, verify_resource


async def republish(issuer: Issuer, *resources: AttestedResource) -> None:
    """Have the issuer sign and publish something that its registry would not, older than what is there or not."""
    async with issuer.profile.transaction() as session:
        for resource in resources:
            await keep_resource(session, resource)
        await session.commit()
    for resource in resources:
        issuer.file(resource.id).unlink(missing_ok=True)
    async with publishing(issuer.profile, issuer.did):
        await publish_resources(issuer.profile, issuer.did, issuer.publisher)


async def test_refuses_a_registry_with_fewer_lists_than_seen(issuer: Issuer, objects: AttestedObjects) -> None:
    old = issuer.file(issuer.registry_id).read_bytes()
    await issuer.revoke(1)
    assert (await objects.status_list(issuer.registry_id)).content["revocationList"][1] == 1
    issuer.file(issuer.registry_id).write_bytes(old)
    with pytest.raises(ShortenedHistoryError):
        await objects.status_list(issuer.registry_id)


async def test_refuses_another_newest_list_of_the_same_time(issuer: Issuer, objects: AttestedObjects) -> None:
    await objects.status_list(issuer.registry_id)
    registry = await own_resource(issuer.profile, issuer.registry_id)
    assert registry is not None
    forked = StatusLink(ResourceId.of(issuer.did, "zQm" + "c" * 44), registry.links[-1].timestamp)
    await republish(issuer, AttestedResource(registry.id, registry.type, registry.name, registry.content, (forked,)))
    with pytest.raises(ForkError):
        await objects.status_list(issuer.registry_id)


async def test_sees_a_revocation_at_once(issuer: Issuer, objects: AttestedObjects) -> None:
    await objects.registry_definition(issuer.registry_id)
    for index in (1, 2, 3):
        await issuer.revoke(index)
        assert (await objects.status_list(issuer.registry_id)).content["revocationList"][index] == 1


async def test_refuses_a_list_under_the_timestamp_of_another(issuer: Issuer, objects: AttestedObjects) -> None:
    registry = await own_resource(issuer.profile, issuer.registry_id)
    assert registry is not None
    shifted = StatusLink(registry.links[0].id, registry.links[0].timestamp + 1)
    await republish(issuer, AttestedResource(registry.id, registry.type, registry.name, registry.content, (shifted,)))
    with pytest.raises(ResourceError, match="status list of"):
        await objects.status_list(issuer.registry_id)


async def test_refuses_a_list_of_another_registry(issuer: Issuer, objects: AttestedObjects) -> None:
    registry = await own_resource(issuer.profile, issuer.registry_id)
    assert registry is not None
    status_list = await own_resource(issuer.profile, registry.links[0].id)
    assert status_list is not None
    other = AttestedResource.of(
        issuer.did,
        ResourceType.STATUS_LIST,
        "status list",
        {**status_list.content, "revRegDefId": f"{issuer.did}/resources/zQm{'c' * 44}"},
    )
    links = (StatusLink(other.id, other.content["timestamp"]),)
    await republish(issuer, other, AttestedResource(registry.id, registry.type, registry.name, registry.content, links))
    with pytest.raises(ResourceError, match="status list of"):
        await objects.status_list(issuer.registry_id)


async def test_a_registry_without_lists_has_none_in_force(issuer: Issuer, objects: AttestedObjects) -> None:
    registry = await own_resource(issuer.profile, issuer.registry_id)
    assert registry is not None
    await republish(issuer, AttestedResource(registry.id, registry.type, registry.name, registry.content))
    with pytest.raises(StatusListNotFoundError):
        await objects.status_list(issuer.registry_id)


async def test_what_is_known_to_be_one_thing_is_not_taken_for_another(issuer: Issuer, objects: AttestedObjects) -> None:
    await objects.schema(issuer.schema_id)
    with pytest.raises(ResourceError, match="type"):
        await objects.credential_definition(issuer.schema_id)  # type: ignore[arg-type]


async def test_unchanging_objects_are_fetched_once(issuer: Issuer, objects: AttestedObjects, host: TlsHost) -> None:
    await objects.schema(issuer.schema_id)
    host.requests.clear()
    await objects.schema(issuer.schema_id)
    assert host.requests == []


async def test_follows_a_rotation_although_the_document_is_cached(issuer: Issuer, edge: HttpEdge) -> None:
    memory = InMemoryLogMemory()
    objects = AttestedObjects(edge, WebvhDocuments(edge, memory, lifetime_s=3600), memory)
    await objects.schema(issuer.schema_id)
    await rotate_assertion_key(issuer.profile, issuer.did, publisher=issuer.publisher)
    assert (await objects.status_list(issuer.registry_id)).content["revocationList"][1] == 0


async def test_an_unchanged_registry_is_not_sent_but_checked_again(
    issuer: Issuer, objects: AttestedObjects, host: TlsHost
) -> None:
    body = issuer.file(issuer.registry_id).read_bytes()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return web.Response(body=body, headers={"ETag": '"1"'})

    host.handlers[f"org/resources/{issuer.registry_id.digest}"] = answer
    await objects.registry(issuer.registry_id)
    await objects.registry(issuer.registry_id)
    await rotate_assertion_key(issuer.profile, issuer.did, publisher=issuer.publisher)
    with pytest.raises(ResourceError, match="another key"):
        await objects.registry(issuer.registry_id)


async def test_an_unchanged_registry_is_not_verified_again_by_the_same_key(
    issuer: Issuer, objects: AttestedObjects, host: TlsHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, verified = issuer.file(issuer.registry_id).read_bytes(), list[ResourceId]()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return web.Response(body=body, headers={"ETag": '"1"'})

    def verify(received: bytes, *, resource_id: ResourceId, **how: Any) -> AttestedResource:
        verified.append(resource_id)
        return verify_resource(received, resource_id=resource_id, **how)

    monkeypatch.setattr("wanderbuch.plugins.webvh.objects.verify_resource", verify)
    host.handlers[f"org/resources/{issuer.registry_id.digest}"] = answer
    first = await objects.registry(issuer.registry_id)
    assert await objects.registry(issuer.registry_id) is first
    assert verified == [issuer.registry_id]


def test_a_verified_resource_stands_while_its_key_and_its_did_are_the_same(issuer: Issuer) -> None:
    body = json.loads(issuer.file(issuer.schema_id).read_bytes())
    kid, key = DidUrl.parse(body["proof"]["verificationMethod"]), b"k" * 32

    def document(*names: WebvhDid, **keys: bytes) -> DidDocument:
        methods = {DidUrl.parse(f"{kid.did}#{fragment}"): key for fragment, key in keys.items()}
        return DidDocument(issuer.did, names or (issuer.did,), "1-z", {}, methods)

    here = document(**{kid.fragment: key})
    vouched = Vouched.by(json.dumps(body).encode(), here)
    assert vouched is not None
    assert vouched.stands_in(document(**{kid.fragment: key, "new": b"n" * 32}))
    assert not vouched.stands_in(document(**{kid.fragment: b"o" * 32}))
    assert not vouched.stands_in(document(new=key))
    elsewhere = WebvhDid.parse(str(issuer.did).replace("wanderbuch.test", "elsewhere.test"))
    assert not vouched.stands_in(document(elsewhere, issuer.did, **{kid.fragment: key}))
    body["proof"]["expires"] = "2030-01-01T00:00:00Z"  # what ends some day is looked at each time
    assert Vouched.by(json.dumps(body).encode(), here) is None


async def test_refuses_a_resource_that_is_too_large(issuer: Issuer, objects: AttestedObjects, host: TlsHost) -> None:
    document = json.loads(issuer.file(issuer.schema_id).read_bytes())
    issuer.file(issuer.schema_id).write_text(json.dumps({**document, "padding": "x" * MAX_RESOURCE_BYTES}))
    with pytest.raises(TooLargeError):
        await objects.schema(issuer.schema_id)


async def test_does_not_follow_a_resource_elsewhere(issuer: Issuer, objects: AttestedObjects, host: TlsHost) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("https://registry.example.test/")

    host.handlers[f"org/resources/{issuer.schema_id.digest}"] = answer
    with pytest.raises(RedirectRefusedError):
        await objects.schema(issuer.schema_id)
