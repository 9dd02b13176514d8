"""Three stock agents, issuer, holder and verifier, with what an exchange needs; and one round of them.

Everything is asked of their Admin API; what is asked about an outcome is asked after the clocks were read.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from tests.bench.errors import BenchError
from tests.bench.meter import Meter
from tests.bench.stock.agent import StockAgent
from tests.bench.stock.files import serving_files
from tests.bench.stock.requests import by_predicate, pointed_at

from wanderbuch.agents.machine import LocalMachine

_POLL_S: Final = 0.1
_HOST: Final = "stock.wanderbuch.test"
_PATH: Final = "org"
_DID_EXCHANGE: Final = "https://didcomm.org/didexchange/1.1"
_TAILS: Final = ("--tails-server-base-url", f"https://{_HOST}/{_PATH}/tails")
_PARTS: Final[Mapping[str, Sequence[str]]] = {
    "issuer": ("--auto-accept-requests", *_TAILS),
    "holder": (
        "--auto-accept-invites",
        "--auto-respond-credential-offer",
        "--auto-store-credential",
    ),
    "verifier": ("--auto-accept-requests", "--auto-verify-presentation"),
}


@dataclass(frozen=True, slots=True)
class StockAgents:
    """The three, with a credential definition, and with a connection of verifier and holder.

    Args:
        values: what is signed, attribute by attribute.
        connection_id: the verifier's, to the holder.
    """

    issuer: StockAgent
    holder: StockAgent
    verifier: StockAgent
    cred_def_id: str
    values: Mapping[str, str]
    connection_id: str

    @property
    def all(self) -> tuple[StockAgent, StockAgent, StockAgent]:
        """The three."""
        return self.issuer, self.holder, self.verifier

    @property
    def pids(self) -> dict[str, int]:
        """The processes by part."""
        return {agent.name: agent.pid for agent in self.all}

    @property
    def settings(self) -> dict[str, Any]:
        """What they were started with, and how they are used; for `details`."""
        return {
            "started": {agent.name: " ".join(("aca-py start", *agent.settings)) for agent in self.all},
            "exchange": "out-of-band 1.1, DID Exchange 1.1, issue-credential 2.0, present-proof 2.0; did:peer:4",
            "transport": "http without TLS between agents; files of the issuer's DID by https from the bench's process",
            "issuer": "a fresh connection for each credential, the offer sent over it",
            "verifier": "connectionless: the request is attached to an invitation without a handshake",
            "holder": "presents on an existing connection; the request has arrived before the clock is read",
        }

    async def run(self, meter: Meter, compiled: Mapping[str, Any]) -> None:
        """Run one round: issue, ask and judge by thermometer and by predicate, present on a connection.

        Args:
            meter: of these processes.
            compiled: the proof request of our verifier.

        Raises:
            BenchError: a step did not end as it should.
        """
        credential = await self._issued(meter)
        thermometer = pointed_at(compiled, self.cred_def_id)
        await self._judged(meter, thermometer, credential, "")
        await self._judged(meter, by_predicate(thermometer), credential, " by predicate")
        await self._presented(meter, thermometer, credential)

    async def _issued(self, meter: Meter) -> str:
        at_rest = await meter.at_rest()
        invitation = await invite(self.issuer)
        at_rest = await meter.note(at_rest, issuer="issuer invites")
        await self.holder.post("/out-of-band/receive-invitation", invitation)

        async def is_connected() -> bool:
            return await connection_of(self.issuer, invitation) is not None

        await meter.note(at_rest, is_connected, issuer="issuer connects", holder="holder connects")
        connection_id = await connection_of(self.issuer, invitation)
        at_rest = await meter.at_rest()
        offer = {
            "connection_id": connection_id,
            "filter": {"anoncreds": {"cred_def_id": self.cred_def_id}},
            "credential_preview": {
                "@type": "issue-credential/2.0/credential-preview",
                "attributes": [{"name": name, "value": value} for name, value in self.values.items()],
            },
            "auto_issue": True,
        }
        sent = await self.issuer.post("/issue-credential-2.0/send-offer", offer)

        async def is_done() -> bool:
            record = await self.issuer.get(f"/issue-credential-2.0/records/{sent['cred_ex_id']}")
            return bool(record["cred_ex_record"]["state"] == "done")

        await meter.note(at_rest, is_done, issuer="issuer offers and issues", holder="holder receives")
        return await self._stored(sent["thread_id"])

    async def _stored(self, thread_id: str) -> str:
        results = (await self.holder.get("/issue-credential-2.0/records", thread_id=thread_id))["results"]
        stored = results[0]["anoncreds"]["cred_id_stored"] if len(results) == 1 else None
        if not stored:
            raise BenchError("the stock holder has stored no credential")
        return str(stored)

    async def _judged(self, meter: Meter, request: Mapping[str, Any], credential: str, how: str) -> None:
        at_rest = await meter.at_rest()
        body = {"presentation_request": {"anoncreds": request}, "auto_verify": True}
        asked = await self.verifier.post("/present-proof-2.0/create-request", body)
        attached = {"attachments": [{"id": asked["pres_ex_id"], "type": "present-proof"}]}
        invitation = (await self.verifier.post("/out-of-band/create-invitation", attached))["invitation"]
        await meter.note(at_rest, verifier=f"verifier asks{how}")
        await self.holder.post("/out-of-band/receive-invitation", invitation)
        opened = await self._arrived(asked["thread_id"])
        at_rest = await meter.at_rest()
        await self._answer(opened, request, credential)
        await meter.note(
            at_rest,
            lambda: self._is_verified(asked["pres_ex_id"]),
            verifier=f"verifier judges{how}",
            holder=f"holder presents without a connection{how}",
        )

    async def _presented(self, meter: Meter, request: Mapping[str, Any], credential: str) -> None:
        body = {
            "connection_id": self.connection_id,
            "presentation_request": {"anoncreds": request},
            "auto_verify": True,
        }
        asked = await self.verifier.post("/present-proof-2.0/send-request", body)
        opened = await self._arrived(asked["thread_id"])
        at_rest = await meter.at_rest()
        await self._answer(opened, request, credential)
        await meter.note(
            at_rest,
            lambda: self._is_verified(asked["pres_ex_id"]),
            holder="holder presents",
            verifier="verifier judges on a connection",
        )

    async def _arrived(self, thread_id: str) -> str:
        path = "/present-proof-2.0/records"
        exchange = await self.holder.wait_for(path, "state", "request-received", thread_id=thread_id)
        return str(exchange["pres_ex_id"])

    async def _answer(self, pres_ex_id: str, request: Mapping[str, Any], credential: str) -> None:
        chosen = {
            "requested_attributes": {
                name: {"cred_id": credential, "revealed": True} for name in request["requested_attributes"]
            },
            "requested_predicates": {name: {"cred_id": credential} for name in request["requested_predicates"]},
            "self_attested_attributes": {},
        }
        path = f"/present-proof-2.0/records/{pres_ex_id}/send-presentation"
        await self.holder.post(path, {"anoncreds": chosen})

    async def _is_verified(self, pres_ex_id: str) -> bool:
        record = await self.verifier.get(f"/present-proof-2.0/records/{pres_ex_id}")
        if record.get("verified") == "false" or record["state"] == "abandoned":
            raise BenchError(f"the stock verifier refuses: {record.get('verified_msgs')} {record.get('error_msg')}")
        return bool(record["state"] == "done" and record.get("verified") == "true")


@asynccontextmanager
async def running_stock(
    machine: LocalMachine, values: Mapping[str, str], registry_size: int
) -> AsyncIterator[StockAgents]:
    """Start the three, publish what the issuer needs, connect verifier and holder, and stop them at the end."""
    async with AsyncExitStack() as opened:
        issuer, holder, verifier = (StockAgent(machine, name, further) for name, further in _PARTS.items())
        await opened.enter_async_context(serving_files(machine, _HOST, issuer.public))
        for agent in (issuer, holder, verifier):
            opened.push_async_callback(agent.stop)
        await asyncio.gather(*(agent.start() for agent in (issuer, holder, verifier)))
        cred_def_id = await _publish(issuer, list(values), registry_size)
        invitation = await invite(verifier)
        await holder.post("/out-of-band/receive-invitation", invitation)
        while (connection_id := await connection_of(verifier, invitation)) is None:  # noqa: ASYNC110 (a stock agent)
            await asyncio.sleep(_POLL_S)
        yield StockAgents(issuer, holder, verifier, cred_def_id, values, connection_id)


async def invite(agent: StockAgent) -> dict[str, Any]:
    """Have an agent make an invitation to connect."""
    body = {"handshake_protocols": [_DID_EXCHANGE], "use_did_method": "did:peer:4"}
    made: dict[str, Any] = (await agent.post("/out-of-band/create-invitation", body, auto_accept="true"))["invitation"]
    return made


async def connection_of(agent: StockAgent, invitation: Mapping[str, Any]) -> str | None:
    """Return the id of the connection that came of an invitation; None if it is not complete."""
    results = (await agent.get("/connections", invitation_msg_id=invitation["@id"]))["results"]
    complete = [result["connection_id"] for result in results if result["rfc23_state"] == "completed"]
    return str(complete[0]) if complete else None


async def _publish(issuer: StockAgent, attributes: Sequence[str], registry_size: int) -> str:
    did = (await issuer.post("/bench/did", {"host": _HOST, "path": _PATH, "endpoint": issuer.endpoint}))["did"]
    schema = {"issuerId": did, "attrNames": list(attributes), "name": "qualification", "version": "1.0"}
    made = await issuer.post("/anoncreds/schema", {"schema": schema})
    definition = {
        "credential_definition": {
            "issuerId": did,
            "schemaId": made["schema_state"]["schema_id"],
            "tag": "bench",
        },
        "options": {"support_revocation": True, "revocation_registry_size": registry_size},
    }
    made = await issuer.post("/anoncreds/credential-definition", definition)
    return str(made["credential_definition_state"]["credential_definition_id"])
