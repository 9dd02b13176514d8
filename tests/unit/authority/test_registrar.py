"""The registered verifiers over HTTP, on a socket: as the published OpenAPI of EUDI TS5 has it, and signed."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tests.unit.authority_pages.place import SHIPYARD, full_payload
from tests.unit.governance.conftest import VECTORS, KeyHolder

from wanderbuch.agents.authority.registrar.config import RegistrarConfig
from wanderbuch.agents.authority.registrar.endpoint import PLACE, REGISTRAR_ROUTES, Registrar, SignedBy
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.model import PROFILE_STATEMENTS
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.governance.signed.jws import verify_jws

OPENAPI: dict[str, Any] = yaml.safe_load((VECTORS / "ts5" / "ts5-openapi31-registrar-api.yml").read_text())
VERIFICATION = PROFILE_STATEMENTS + "verification.json"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SITE = "https://authority.test"
USE = {"aim": "To hire", "privacy_policy": "https://yard.test/privacy", "predicates": ["eqf_level"]}


def yard(number: int) -> str:
    return str(SHIPYARD).replace("did:webvh:Qm", f"did:webvh:Qm{number}", 1)


def a_file(verifiers: int = 1, **changes: Any) -> GovernanceFile:
    payload = full_payload()
    entries = payload["participants"]["entries"][VERIFICATION]
    entry = entries.pop(str(SHIPYARD))
    entry["verifications"][0].update(USE | changes)
    for number in range(verifiers):
        did = str(SHIPYARD) if verifiers == 1 else yard(number)
        statement = entry["verifications"][0] | {"id": f"V-{number}"}
        entries[did] = entry | {"verifications": [statement]}
    return parse_file(json.dumps(payload).encode())


class Place:
    """The API of an authority; tests change its file and its clock."""

    def __init__(self) -> None:
        self.now = NOW
        self.authority = KeyHolder(str(a_file().author))
        self.signed = 0
        self.client: TestClient[Any, Any]
        self.hold(a_file())

    def hold(self, file: GovernanceFile, **fresh_for: float) -> None:
        until = self.now + timedelta(**(fresh_for or {"hours": 1}))
        self.snapshot: GovernanceSnapshot | None = GovernanceSnapshot(file, "sha256:" + "a" * 64, until)

    async def kid(self) -> Any:
        return self.authority.kid

    async def sign(self, message: bytes) -> bytes:
        self.signed += 1
        return await self.authority.sign(message)

    async def keys(self) -> dict[Any, bytes]:
        return {self.authority.kid: await self.authority.resolve_key(self.authority.kid)}

    async def first(self) -> GovernanceSnapshot | None:
        return self.snapshot

    def registrar(self, **config: Any) -> Registrar:
        return Registrar(
            SignedBy(Did.parse(self.authority.did), self, self.keys, SITE),
            snapshot=lambda: self.snapshot,
            first=self.first,
            config=RegistrarConfig(enabled=True, **{"requests_per_second": 0, **config}),
            networks=Networks([]),
            clock=lambda: self.now,
        )

    async def ask(self, path: str, schema: str = "", **query: str) -> dict[str, Any]:
        """Return the payload of an answer, checked as a reader of TS5 would: signature, then schema."""
        response = await self.client.get(PLACE + path, params=query)
        assert (response.status, response.content_type) == (200, "application/jwt")
        jws = await verify_jws(
            await response.read(),
            typ="JWT",
            author=Did.parse(self.authority.did),
            resolve_key=self.authority.resolve_key,
            max_bytes=1_000_000,
        )
        payload: dict[str, Any] = json.loads(jws.payload)
        reference = {"$ref": f"#/components/schemas/{schema}", "components": OPENAPI["components"]}
        jsonschema.Draft202012Validator(reference).validate(payload)
        assert response.headers["x-jku-url"] == f"{SITE}{PLACE}/jwks.json"
        return payload


def application(registrar: Registrar | None) -> web.Application:
    app = web.Application()
    for route in REGISTRAR_ROUTES:
        app.router.add_route(route.method, route.path, partial(route.handler, SimpleNamespace(registrar=registrar)))
    return app


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    async with TestServer(application(made.registrar())) as server, TestClient(server) as client:
        made.client = client
        yield made


async def test_what_is_listed_is_what_is_shown_and_fits_the_description(place: Place) -> None:
    listed = await place.ask("/wrp", "SignedWRPArray")
    shown = await place.ask(f"/wrp/{SHIPYARD}", "SignedWRP")
    assert listed["data"] == [shown["data"]]
    assert listed["pagination"] == {"has_next_page": False}
    assert (listed["iss"], listed["iat"]) == (place.authority.did, int(NOW.timestamp()))
    assert listed["exp"] == int((NOW + timedelta(hours=1)).timestamp())  # no longer than the file is vouched for


async def test_every_parameter_of_the_description_is_heard_and_narrows(place: Place) -> None:
    fitting = {
        "identifier": SHIPYARD,
        "legalname": "",
        "tradename": "",
        "policy": "https://yard.test/privacy",
        "entitlement": "https://uri.etsi.org/19475/Entitlement/Service_Provider",
        "credentialmeta": "qualification/1.0",
        "credentialformat": "anoncreds",
        "isintermediary": "false",
        "intendeduseidentifier": "V-0",
        "limit": "1",
    }
    (party,) = (await place.ask("/wrp", "SignedWRPArray"))["data"]
    fitting |= {"legalname": party["tradeName"].upper(), "tradename": party["tradeName"]}
    described = {one["name"] for one in OPENAPI["paths"]["/wrp"]["get"]["parameters"]}
    assert described == {*fitting, "usesintermediary", "cursor"}
    assert (await place.ask("/wrp", "SignedWRPArray", **fitting))["data"] == [party]
    others = {name: "other" for name in fitting if name not in ("limit", "isintermediary")}
    for name, value in (others | {"isintermediary": "true", "usesintermediary": "x"}).items():
        assert (await place.ask("/wrp", "SignedWRPArray", **{name: value}))["data"] == [], name


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=1&limit=2",
        "cursor=%21",
        "cursor=_w",
        "isintermediary=yes",
        "policy=",
        "x=1",
    ],
)
async def test_a_query_that_is_none_lists_nobody(place: Place, query: str) -> None:
    response = await place.client.get(f"{PLACE}/wrp?{query}")
    assert response.status == 400
    assert place.signed == 0


async def test_pages_name_everybody_once_also_when_the_file_changes_in_between(place: Place) -> None:
    place.hold(a_file(7))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await place.ask("/wrp", "SignedWRPArray", limit="3", **cursor)
        seen += [party["identifier"][0]["identifier"] for party in page["data"]]
        if not page["pagination"]["has_next_page"]:
            break
        cursor = {"cursor": page["pagination"]["next_cursor"]}
        place.hold(a_file(7))
    assert seen == sorted(yard(number) for number in range(7))


async def test_an_intended_use_is_checked_with_everything_that_is_asked_at_once(place: Place) -> None:
    async def check(**query: str) -> bool:
        answer = await place.ask(
            "/wrp/check-intended-use", "SignedIntendedUseCheckResult", rpidentifier=str(SHIPYARD), **query
        )
        return bool(answer["data"]["isRegistered"])

    everything = {
        "intendeduseidentifier": "V-0",
        "credentialformat": "anoncreds",
        "claimpath": "occupation_isco08",
        "credentialmeta": "qualification/1.0",
        "policyurl": "https://yard.test/privacy",
    }
    described = {one["name"] for one in OPENAPI["paths"]["/wrp/check-intended-use"]["get"]["parameters"]}
    assert described == {*everything, "rpidentifier"}
    assert await check(**everything)
    for name in everything:
        assert not await check(**everything | {name: "https://other.test/"}), name
    assert not await check(claimpath="eqf_level")  # a bound may be asked for, its value may not
    place.hold(a_file(intervals=[{"start": "2020-01-01", "end": "2021-12-31"}]))
    assert not await check(**everything)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/wrp/did:webvh:QmNobody:nobody.test", 404),
        ("/wrp/x", 404),
        ("/wrp/check-intended-use", 400),
        (f"/wrp/check-intended-use?rpidentifier={SHIPYARD}", 400),
        ("/wrp/check-intended-use?rpidentifier=x&claimpath=y", 404),
    ],
)
async def test_who_is_not_registered_is_not_found(place: Place, path: str, status: int) -> None:
    response = await place.client.get(PLACE + path)
    assert response.status == status
    assert (
        str(response.status)
        in OPENAPI["paths"][path.partition("?")[0] if "check" in path else "/wrp/{identifier}"]["get"]["responses"]
    )


async def test_nothing_is_answered_from_a_file_that_nobody_vouches_for(place: Place) -> None:
    assert (await place.client.get(f"{PLACE}/wrp")).status == 200
    place.now += timedelta(hours=1)
    for snapshot in (place.snapshot, None):
        place.snapshot = snapshot
        response = await place.client.get(f"{PLACE}/wrp")
        assert (response.status, response.headers["Cache-Control"]) == (503, "no-store")


async def test_the_same_question_is_signed_once_and_not_sent_to_who_has_the_answer(place: Place) -> None:
    first = await place.client.get(f"{PLACE}/wrp")
    assert first.headers["Cache-Control"] == "public, max-age=60"
    again = await place.client.get(f"{PLACE}/wrp", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, place.signed) == (304, 1)
    place.hold(a_file(2))
    assert (await place.client.get(f"{PLACE}/wrp", headers={"If-None-Match": first.headers["ETag"]})).status == 200
    assert place.signed == 2


async def test_the_keys_are_there_for_readers_without_dids(place: Place) -> None:
    body = await (await place.client.get(f"{PLACE}/wrp")).read()
    header, payload, signature = body.split(b".")
    (key,) = (await (await place.client.get(f"{PLACE}/jwks.json")).json(content_type=None))["keys"]
    assert json.loads(base64.urlsafe_b64decode(header + b"=="))["kid"] == key["kid"]
    raw = base64.urlsafe_b64decode(key["x"] + "=")
    Ed25519PublicKey.from_public_bytes(raw).verify(base64.urlsafe_b64decode(signature + b"=="), header + b"." + payload)


async def test_a_network_asks_so_often_and_no_more_and_where_it_is_off_there_is_nothing() -> None:
    made = Place()
    limited = application(made.registrar(requests_per_second=0.1, burst=2))
    async with TestServer(limited) as server, TestClient(server) as client:
        paths = ("wrp", "jwks.json", "wrp", "jwks.json")
        assert [(await client.get(f"{PLACE}/{path}")).status for path in paths] == [200, 200, 429, 429]
    async with TestServer(application(None)) as server, TestClient(server) as client:
        assert (await client.get(f"{PLACE}/wrp")).status == 404


@pytest.mark.parametrize(
    ("day", "created", "revoked"),
    [
        (datetime(2024, 6, 1, 12, tzinfo=UTC), "2023-12-31T10:00:00Z", "2025-01-01T12:00:00Z"),  # it holds
        (datetime(2025, 6, 1, 12, tzinfo=UTC), "2023-12-31T10:00:00Z", "2025-01-01T12:00:00Z"),  # a break
        (datetime(2026, 11, 22, 12, tzinfo=UTC), "2025-12-31T10:00:00Z", None),  # it holds again
    ],
)
async def test_a_use_with_a_break_is_told_as_it_holds_now(
    place: Place, day: datetime, created: str, revoked: str | None
) -> None:
    place.now = day
    place.hold(a_file(intervals=[{"start": "2024-01-01", "end": "2024-12-31"}, {"start": "2026-01-01"}]))
    [use] = (await place.ask(f"/wrp/{SHIPYARD}", "SignedWRP"))["data"]["intendedUse"]
    assert (use["createdAt"], use.get("revokedAt")) == (created, revoked)
