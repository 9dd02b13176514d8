"""Our agents behind the backchannel of the OWL agent test harness: HTTP with JSON, one server an agent.

    python -m tests.interop.backchannel FOLDER     # starts agents, prints their addresses, runs until Ctrl-C

The harness sends `POST /agent/command/{topic}/{operation}/` with `{"id": …, "data": …}`, and asks
`GET /agent/command/{topic}/{id}` for the state of something and `GET /agent/response/{topic}/{id}` for what came.
Only what our agents do is done: everything else gets 501 with the reason, so that a scenario fails for it. What passes,
and what does not and why, is in `docs/interop.md`.
"""

import argparse
import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import aiohttp
from aiohttp import web
from tests.interop.ecosystem import running_ecosystem

from wanderbuch.agents.demo.example import example_claim
from wanderbuch.agents.machine import AgentHandle, LocalMachine

OWN_DID_METHOD: Final = "did:peer:4"
HANDSHAKES: Final = frozenset({"https://didcomm.org/didexchange/1.0", "https://didcomm.org/didexchange/1.1"})
_COMPLETED_S: Final = 30.0
_POLL_S: Final = 0.1

type Json = dict[str, Any]


class NotDoneError(Exception):
    """Our agents do not do this; the message says why."""


class NotThereError(Exception):
    """There is nothing with this id."""


class OverError(Exception):
    """What is to go on has ended."""


@dataclass(slots=True)
class Backchannel:
    """One agent behind the harness's interface; run it with `serving`.

    Args:
        agent: an issuer, a holder or a verifier of ours.
        admin_url: ACA-Py's Admin API of it, where connections show.
        admin_key: of that.
        received: invitations that were given to a holder, by their id, which stands for the connection.
        answered: connections whose response the harness has asked for.
    """

    agent: AgentHandle
    admin_url: str
    admin_key: str
    session: aiohttp.ClientSession
    received: dict[str, Json] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)

    async def command(self, topic: str, operation: str, named: str | None, data: Json) -> Json:
        """Do what the harness asks.

        Raises:
            NotDoneError: our agents do not do it.
            NotThereError: there is no such connection.
            OverError: it has ended.
        """
        does: Mapping[tuple[str, str], Callable[[str | None, Json], Awaitable[Json]]] = {
            ("out-of-band", "send-invitation-message"): self._invite,
            ("out-of-band", "receive-invitation"): self._receive,
            ("did-exchange", "send-request"): self._send_request,
            ("did-exchange", "send-response"): self._send_response,
        }
        do = does.get((topic, operation))
        if do is None:
            raise NotDoneError(_why_not(topic, operation))
        return await do(named, data)

    async def state(self, topic: str, named: str) -> Json:
        """Return the state of something.

        Raises:
            NotDoneError: nothing of this kind shows.
            NotThereError: there is no such thing.
        """
        if topic == "status":
            return {"status": "active"}
        if topic == "did":
            return {"did": await self._public_did()}
        if topic != "did-exchange":
            raise NotDoneError(_why_not(topic, "state"))
        return await self._connection(named)

    async def came(self, topic: str, invitation_id: str) -> Json:
        """Return the connection that came of an invitation; nothing if none did yet."""
        connection = await self._made_on(invitation_id) if topic == "did-exchange" else None
        return connection or {}

    async def _invite(self, _: str | None, data: Json) -> Json:
        """Make an invitation: ours is always for an offer, which follows over the connection."""
        if self.agent.role != "issuer":
            raise NotDoneError(f"a {self.agent.role} of ours does not invite to a connection")
        if data.get("attachments"):
            raise NotDoneError("an offer is never attached: whoever sees an invitation could read it")
        _check_method(data)
        wanted = data.get("handshake_protocols")
        if wanted and not HANDSHAKES.intersection(wanted):
            raise NotDoneError(f"none of {', '.join(wanted)} is spoken, only DID Exchange")
        offer = await self.agent.post("/offers", {"claim": example_claim(), "deadline_s": 600})
        return {"state": "invitation-sent", "invitation": read_invitation(offer["invitation_url"])}

    async def _receive(self, _: str | None, data: Json) -> Json:
        """Keep an invitation until `send-request`: a holder of ours opens and answers it in one step."""
        if self.agent.role != "holder":
            raise NotDoneError(f"a {self.agent.role} of ours takes no invitations")
        invitation = {name: value for name, value in data.items() if name not in _OF_THE_HARNESS}
        self.received[invitation["@id"]] = invitation
        return {"state": "invitation-received", "connection_id": invitation["@id"]}

    async def _send_request(self, named: str | None, data: Json) -> Json:
        _check_method(data)
        if named not in self.received:
            raise NotThereError(f"no invitation {named}")
        await self.agent.post("/invitations", {"url": json.dumps(self.received[named])})
        return await self._connection(named)

    async def _send_response(self, named: str | None, _: Json) -> Json:
        """Wait until the request is answered: our agents answer by themselves, once."""
        if named in self.answered:
            raise OverError(f"the request of {named} was answered, and there is no way to send another response")
        try:
            async with asyncio.timeout(_COMPLETED_S):
                while True:
                    connection = await self._connection(named or "")
                    if connection["state"] == "completed":
                        self.answered.add(connection["connection_id"])
                        return connection
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as err:
            raise NotThereError(f"{named} was not answered within {_COMPLETED_S:g} s") from err

    async def _public_did(self) -> str:
        if self.agent.role != "issuer":
            raise NotDoneError(f"a {self.agent.role} of ours tells no public DID by its REST API")
        return str((await self.agent.get("/standing"))["did"])

    async def _connection(self, named: str) -> Json:
        if named in self.received:
            connection = await self._made_on(named)
        else:
            connection = _shown(await self._admin(f"/connections/{named}"))
        if connection is None:
            raise NotThereError(f"no connection {named}")
        return connection

    async def _made_on(self, invitation_id: str) -> Json | None:
        answer = await self._admin("/connections", invitation_msg_id=invitation_id)
        return _shown(answer["results"][0] if answer and answer["results"] else None)

    async def _admin(self, path: str, **query: str) -> Json | None:
        headers = {"X-API-Key": self.admin_key}
        async with self.session.get(f"{self.admin_url}{path}", params=query, headers=headers) as response:
            if response.status == 404:
                return None
            response.raise_for_status()
            answer: Json = await response.json()
            return answer


_OF_THE_HARNESS: Final = frozenset({"use_existing_connection", "mediator_connection_id"})
_REASONS: Final = {
    "schema": "the ecosystem has one schema, of qualifications, and the authority publishes it",
    "credential-definition": "an issuer of ours makes its credential definition itself, for the ecosystem's schema",
    "issue-credential-v2": "credentials of ours are offered on the REST API, from a claim, and never proposed",
    "proof-v2": "a verifier of ours asks for a requirement, not for the attributes of somebody's request",
    "did-exchange": "our agents take requests on their own invitations alone, and answer them by themselves",
}


def _why_not(topic: str, operation: str) -> str:
    return _REASONS.get(topic, f"our agents know nothing of {topic} ({operation})")


def _check_method(data: Json) -> None:
    method = data.get("use_did_method", OWN_DID_METHOD)
    if method != OWN_DID_METHOD:
        raise NotDoneError(f"our agents make {OWN_DID_METHOD} for a connection, never {method}")


def _shown(record: Json | None) -> Json | None:
    if record is None:
        return None
    dids = {name: record[name] for name in ("my_did", "their_did") if name in record}
    return {"state": record["rfc23_state"], "connection_id": record["connection_id"], **dids}


def read_invitation(address: str) -> Json:
    """Return the invitation in a long address."""
    (text,) = parse_qs(urlsplit(address).query)["oob"]
    invitation: Json = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return invitation


@asynccontextmanager
async def serving(backchannel: Backchannel) -> AsyncIterator[str]:
    """Serve one agent on a free port of this machine, and give the address."""

    async def command(request: web.Request) -> web.Response:
        body = await request.json()
        named = body.get("id") or body.get("cred_ex_id")
        topic, operation = request.match_info["topic"], request.match_info.get("operation", "")
        return await _answer(backchannel.command(topic, operation, named, body.get("data") or {}))

    async def state(request: web.Request) -> web.Response:
        return await _answer(backchannel.state(request.match_info["topic"], request.match_info.get("id", "")))

    async def came(request: web.Request) -> web.Response:
        return await _answer(backchannel.came(request.match_info["topic"], request.match_info["id"]))

    app = web.Application()
    app.add_routes(
        [
            web.post("/agent/command/{topic}/", command),
            web.post("/agent/command/{topic}/{operation}/", command),
            web.get("/agent/command/{topic}/", state),
            web.get("/agent/command/{topic}/{id}", state),
            web.get("/agent/response/{topic}/{id}", came),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def _answer(work: Awaitable[Json]) -> web.Response:
    try:
        return web.json_response(await work)
    except NotDoneError as err:
        return web.json_response({"error": str(err)}, status=501)
    except NotThereError as err:
        return web.json_response({"error": str(err)}, status=404)
    except OverError as err:
        return web.json_response({"error": str(err)}, status=400)


@asynccontextmanager
async def running_backchannels(folder: Path) -> AsyncIterator[Mapping[str, str]]:
    """Run an ecosystem; give the addresses of the backchannels of its issuer, its holder and its verifier."""
    admins: dict[AgentHandle, tuple[str, str]] = {}

    def enable_admins(machine: LocalMachine) -> None:
        admins.update((agent, agent.enable_admin()) for agent in machine.agents if agent.role != "authority")

    async with running_ecosystem(folder, worker=True, further=enable_admins), AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        addresses = {}
        for agent, (admin_url, admin_key) in admins.items():
            backchannel = Backchannel(agent, admin_url, admin_key, session)
            addresses[agent.role] = await stack.enter_async_context(serving(backchannel))
        yield addresses


async def _main(folder: Path) -> None:
    async with running_backchannels(folder) as addresses:
        for role, address in addresses.items():
            print(role, address, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run our agents behind backchannels, for the OWL agent test harness.")
    parser.add_argument("folder", type=Path, help="where the agents keep their files; must be there, and empty")
    with suppress(KeyboardInterrupt):
        asyncio.run(_main(parser.parse_args().folder))
