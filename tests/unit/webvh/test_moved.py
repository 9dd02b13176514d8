"""A DID that moved (did:webvh 1.0, DID Portability): found by its old name, with what was signed under it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from acapy_agent.core.profile import Profile
from aiohttp import web
from tests.unit.http.tls_host import PrivateAuthority, TlsHost, tls_host
from tests.unit.webvh.foreign_log import PLACEHOLDER, ForeignLog, Signer
from tests.unit.webvh.test_foreign_witnesses import approved, rule

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.facts.identifiers import DidUrl, ResourceId, WebvhDid
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.http.errors import HttpError, NotFoundError, RedirectRefusedError
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.errors import ForkError, LogError, ResourceError, ShortenedHistoryError
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory, LogMemory, WalletLogMemory
from wanderbuch.plugins.webvh.objects import AttestedObjects
from wanderbuch.plugins.webvh.resources import AttestedResource, ResourceType, sign_resource

OLD, NEW, THIRD = "old.example.test", "new.example.test", "third.example.test"
LOG = "org/did.jsonl"


class Web:
    """Three hosts, and an agent that asks them anew each time."""

    def __init__(self, hosts: dict[str, TlsHost], edge: HttpEdge) -> None:
        self.hosts = hosts
        self.edge = edge
        self.memory: LogMemory = InMemoryLogMemory()

    @property
    def documents(self) -> WebvhDocuments:
        return WebvhDocuments(self.edge, self.memory, lifetime_s=0)

    @property
    def objects(self) -> AttestedObjects:
        return AttestedObjects(self.edge, self.documents, self.memory)

    def serve(self, host: str, path: str, body: bytes | None) -> None:
        file = self.hosts[host].folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True) if body is None else file.write_bytes(body)

    def redirect(self, host: str, path: str, location: str, status: int = 301) -> None:
        self.hosts[host].handlers[path] = answer(status, location)


def answer(status: int, location: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def respond(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": location})

    return respond


@pytest.fixture
async def world(authority: PrivateAuthority, tmp_path: Path) -> AsyncIterator[Web]:
    async with AsyncExitStack() as stack:
        hosts = {
            name: await stack.enter_async_context(tls_host(authority, name, tmp_path / name))
            for name in (OLD, NEW, THIRD)
        }
        lines = [f"{name}:443=127.0.0.1:{host.port}" for name, host in hosts.items()]
        config = HttpEdgeConfig(connect=ConnectionMap.parse(lines), ca_file=authority.ca_file)
        yield Web(hosts, await stack.enter_async_context(HttpEdge(config)))


class Centre:
    """A training centre with a portable DID at the old place, and the key that signs its objects."""

    def __init__(self, **parameters: Any) -> None:
        self.key = Signer()
        self.log = ForeignLog(
            place=f"{OLD}:org", parameters={"portable": True, **parameters}, **document(self.key, f"{OLD}:org")
        )
        self.old = self.log.did

    def move(self, **how: Any) -> WebvhDid:
        return self.log.move(f"{NEW}:org", **how)

    async def schema(self, *, kid: str, by: Signer | None = None) -> tuple[ResourceId, bytes]:
        """A schema under the old name, as it is published."""
        content = {"issuerId": self.old, "attrNames": ["occupation"], "name": "qualification", "version": "1.0"}
        made = AttestedResource.of(self.old, ResourceType.SCHEMA, "qualification 1.0", content)

        async def sign(message: bytes) -> bytes:
            return bytes((by or self.key).key.sign_message(message))

        return ResourceId.parse(made.id), await sign_resource(made, DidUrl.parse(kid), sign)


def document(key: Signer, place: str) -> dict[str, Any]:
    did = f"did:webvh:{PLACEHOLDER}:{place}"
    method = {"id": f"{did}#{key.multikey}", "type": "Multikey", "controller": did, "publicKeyMultibase": key.multikey}
    return {"verificationMethod": [method], "assertionMethod": [method["id"]]}


@pytest.fixture
def centre() -> Centre:
    return Centre()


# Finding it


async def test_is_found_by_its_old_name_where_the_old_place_serves_the_whole_log(world: Web, centre: Centre) -> None:
    new = centre.move()
    world.serve(OLD, LOG, centre.log.received)
    did_document = await world.documents.resolve(centre.old)
    assert (did_document.did, did_document.names, did_document.content["id"]) == (centre.old, (new, centre.old), new)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_is_found_by_its_old_name_where_the_old_place_sends_us_on(
    world: Web, centre: Centre, status: int
) -> None:
    new = centre.move()
    world.serve(NEW, LOG, centre.log.received)
    world.redirect(OLD, LOG, new.log_url, status)
    documents = world.documents
    for _ in range(2):
        assert (await documents.resolve(centre.old)).names == (new, centre.old)


async def test_is_found_through_all_the_places_where_it_was(world: Web, centre: Centre) -> None:
    second = centre.move()
    third = centre.log.move(f"{THIRD}:org")
    world.redirect(OLD, LOG, second.log_url)
    world.redirect(NEW, LOG, third.log_url)
    world.serve(THIRD, LOG, centre.log.received)
    assert (await world.documents.resolve(centre.old)).names == (third, second, centre.old)


async def test_is_not_followed_to_a_place_where_the_log_does_not_say_it_lives(world: Web, centre: Centre) -> None:
    centre.move()
    world.serve(THIRD, LOG, centre.log.received)
    world.redirect(OLD, LOG, f"https://{THIRD}/{LOG}")
    with pytest.raises(RedirectRefusedError):
        await world.documents.resolve(centre.old)


async def test_is_not_followed_to_the_log_of_another_did(world: Web, centre: Centre) -> None:
    other = ForeignLog(place=f"{NEW}:org")
    world.serve(NEW, LOG, other.received)
    world.redirect(OLD, LOG, other.did.log_url)
    with pytest.raises(LogError, match="another DID"):
        await world.documents.resolve(centre.old)


@pytest.mark.parametrize(
    "location",
    [
        f"https://{OLD}/{LOG}",  # in a circle
        f"/{LOG}",
        "",
        f"http://{NEW}/{LOG}",
        f"https://user@{NEW}/{LOG}",
        "https://127.0.0.1/org/did.jsonl",
        "https://localhost/org/did.jsonl",
        "file:///etc/passwd",
        "//[::1]/x",
        "https://[",
    ],
)
async def test_is_not_followed_anywhere_else(world: Web, centre: Centre, location: str) -> None:
    centre.move()
    world.serve(NEW, LOG, centre.log.received)
    world.redirect(OLD, LOG, location)
    with pytest.raises(HttpError):
        await world.documents.resolve(centre.old)


async def test_a_name_that_it_never_had_is_not_found_where_it_lives(world: Web, centre: Centre) -> None:
    centre.move()
    world.serve(THIRD, LOG, centre.log.received)
    with pytest.raises(LogError, match="another DID"):
        await world.documents.resolve(WebvhDid.parse(f"did:webvh:{centre.log.scid}:{THIRD}:org"))


async def test_its_witnesses_are_asked_for_where_its_log_was_found(world: Web) -> None:
    witness = Signer()
    centre = Centre(witness=rule(1, witness))
    new = centre.move()
    world.serve(NEW, LOG, centre.log.received)
    world.serve(NEW, "org/did-witness.json", approved(centre.log, (2, witness)))
    world.redirect(OLD, LOG, new.log_url)
    assert (await world.documents.resolve(centre.old)).names[0] == new
    assert [request.path for request in world.hosts[OLD].requests] == [f"/{LOG}"]


# What was seen of it


@pytest.fixture(params=["memory", "wallet"])
async def remembering(request: pytest.FixtureRequest, world: Web, wallet: Profile) -> Web:
    if request.param == "wallet":
        world.memory = WalletLogMemory(wallet)
    return world


async def test_its_old_place_cannot_show_less_than_its_new_one_did(remembering: Web, centre: Centre) -> None:
    remembering.serve(OLD, LOG, centre.log.received)  # of before the move, as the old host kept it
    new = centre.move()
    remembering.serve(NEW, LOG, centre.log.received)
    await remembering.documents.resolve(new)
    with pytest.raises(ShortenedHistoryError):
        await remembering.documents.resolve(centre.old)


async def test_its_new_place_cannot_show_less_than_its_old_one_did(remembering: Web, centre: Centre) -> None:
    new = centre.move()
    remembering.serve(NEW, LOG, centre.log.received)
    centre.log.add(service=[])
    remembering.serve(OLD, LOG, centre.log.received)
    await remembering.documents.resolve(centre.old)
    with pytest.raises(ShortenedHistoryError):
        await remembering.documents.resolve(new)


async def test_no_other_history_is_told_by_way_of_a_move(remembering: Web, centre: Centre) -> None:
    centre.log.add(service=[])  # what the old place shows
    remembering.serve(OLD, LOG, centre.log.received)
    await remembering.documents.resolve(centre.old)
    del centre.log.entries[-1]
    new = centre.move()
    remembering.serve(NEW, LOG, centre.log.received)
    with pytest.raises(ForkError):
        await remembering.documents.resolve(new)


# What was signed under its old name


@pytest.mark.parametrize("signed_as", ["old", "new"])
@pytest.mark.parametrize("place", [OLD, NEW])
async def test_objects_under_its_old_name_are_found_and_checked(
    world: Web, centre: Centre, signed_as: str, place: str
) -> None:
    new = centre.move()
    world.serve(OLD, LOG, centre.log.received)
    kid = f"{centre.old if signed_as == 'old' else new}#{centre.key.multikey}"
    schema_id, published = await centre.schema(kid=kid)
    with pytest.raises(NotFoundError):
        await world.objects.schema(schema_id)
    world.serve(place, f"org/resources/{schema_id.digest}", published)
    resource = await world.objects.schema(schema_id)
    assert (resource.id, resource.content["issuerId"]) == (schema_id, centre.old)


async def test_its_present_place_is_asked_first(world: Web, centre: Centre) -> None:
    new = centre.move()
    world.serve(NEW, LOG, centre.log.received)
    world.redirect(OLD, LOG, new.log_url)
    schema_id, published = await centre.schema(kid=f"{new}#{centre.key.multikey}")
    world.serve(NEW, f"org/resources/{schema_id.digest}", published)
    world.serve(OLD, f"org/resources/{schema_id.digest}", b"what the new owner of the old name wants")
    assert (await world.objects.schema(schema_id)).id == schema_id


@pytest.mark.parametrize("signed_as", ["old", "new"])
async def test_a_key_that_was_rotated_out_signs_under_neither_name(world: Web, centre: Centre, signed_as: str) -> None:
    new, fresh = centre.move(), Signer()
    changed = json.loads(json.dumps(document(fresh, f"{NEW}:org")).replace(PLACEHOLDER, centre.log.scid))
    centre.log.add(**changed)
    world.serve(OLD, LOG, centre.log.received)
    named = centre.old if signed_as == "old" else new
    schema_id, published = await centre.schema(kid=f"{named}#{centre.key.multikey}")
    world.serve(NEW, f"org/resources/{schema_id.digest}", published)
    with pytest.raises(ResourceError, match="another key"):
        await world.objects.schema(schema_id)
    schema_id, published = await centre.schema(kid=f"{named}#{fresh.multikey}", by=fresh)
    world.serve(NEW, f"org/resources/{schema_id.digest}", published)
    assert (await world.objects.schema(schema_id)).id == schema_id


async def test_an_object_of_a_name_that_it_never_had_is_not_one_of_its_own(world: Web, centre: Centre) -> None:
    new = centre.move()
    world.serve(NEW, LOG, centre.log.received)
    schema_id, published = await centre.schema(kid=f"{new}#{centre.key.multikey}")
    moved = ResourceId.of(new, schema_id.digest)  # its content names the old name as issuer
    world.serve(NEW, f"org/resources/{schema_id.digest}", published)
    with pytest.raises(ResourceError, match="issuerId"):
        await world.objects.schema(ResourceId.parse(moved))


async def test_its_keys_assert_under_each_of_its_names(world: Web, centre: Centre) -> None:
    new = centre.move()
    for host in (OLD, NEW):
        world.serve(host, LOG, centre.log.received)
    keys = [
        await world.documents.assertion_key(DidUrl.parse(f"{did}#{centre.key.multikey}")) for did in (centre.old, new)
    ]
    assert keys[0] == keys[1]
    with pytest.raises(GovernanceError):
        await world.documents.assertion_key(DidUrl.parse(f"{centre.old}#another"))


async def test_keys_that_still_stand_under_the_old_name_count(world: Web, centre: Centre) -> None:
    method = centre.log.entries[0]["state"]["verificationMethod"][0]
    new = centre.move(verificationMethod=[method], assertionMethod=[method["id"]])
    world.serve(NEW, LOG, centre.log.received)
    document = await world.documents.resolve(new)
    assert set(document.assertion_keys) == {f"{did}#{centre.key.multikey}" for did in (centre.old, new)}
