"""schemathesis over the description, against the real handlers on a socket: whatever is sent, no failure of ours.

What comes back is a problem with a status that the description names, or an answer that fits the schema.
"""

import asyncio
import threading
from collections.abc import Iterator

import pytest
import schemathesis
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.thorough import examples
from tests.unit.authority.trqp_site import BASE, CENTRE, FILE, Registry, site

from wanderbuch.agents.authority.trqp_description import describe_trqp

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server in a thread of its own, for schemathesis does not wait."""
    loop, started, servers = asyncio.new_event_loop(), threading.Event(), []

    async def serve() -> TestServer:
        server = TestServer(site(Registry().endpoint()))
        await server.start_server()
        return server

    def run() -> None:
        asyncio.set_event_loop(loop)
        servers.append(loop.run_until_complete(serve()))
        started.set()
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(10)
    yield str(servers[0].make_url(BASE))
    asyncio.run_coroutine_threadsafe(servers[0].close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("path", ["/authorization", "/recognition"])
def test_whatever_is_sent_is_answered_as_described(address: str, path: str, mode: GenerationMode) -> None:
    described = describe_trqp(authority=FILE.author, base=BASE, version="2.0", with_token=False)
    described["servers"] = [{"url": address}]
    operation = schemathesis.openapi.from_dict(described)[path]["POST"]
    statuses = set()

    @settings(max_examples=examples(25), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: schemathesis.Case) -> None:
        if isinstance(case.body, dict) and "authority_id" in case.body and mode is GenerationMode.POSITIVE:
            # Else nearly everything would end at the first 404.
            case.body.update(authority_id=FILE.author, entity_id=CENTRE, action="issue")
            case.body.update(resource="occupation=C7212;place=MLT")
        response = case.call(base_url=address)
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    send()
    assert statuses <= {200, 400, 404, 413, 415}
    assert (200 if mode is GenerationMode.POSITIVE else 400) in statuses
