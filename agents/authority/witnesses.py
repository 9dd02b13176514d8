"""The part of the REST API that collects approvals of the witnesses of the authority's DID.

The operator gives a witness what `GET /v1/authority/did/witness-proofs` shows, as files (`wanderbuch witness approve`
reads them), and sends back each proof with `POST`. What waited goes on as soon as enough of them are there.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from acapy_agent.core.profile import Profile
from pydantic import Field

from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.plugins.webvh.witnesses import WitnessError, format_proofs
from wanderbuch.plugins.webvh.witnessing import (
    WitnessRequest,
    add_witness_proof,
    pending_witness_request,
    withdraw_entry,
)


class WaitingEntry(ApiModel):
    """A log entry that waits for approval."""

    version_id: str = Field(description="versionId of the entry")
    threshold: int = Field(description="how many witnesses must approve")
    witnesses: list[str] = Field(description="whose approval counts (did:key)")
    approved: list[str] = Field(description="who has approved so far")
    log: str = Field(description="did.jsonl with the entry at its end: what a witness looks at")
    proofs: str = Field(description="did-witness.json of the entries before")


class WitnessOut(ApiModel):
    """What waits for the witnesses of the authority's DID."""

    did: str
    waiting: WaitingEntry | None


class NewProof(ApiModel):
    """A witness's approval."""

    proof: dict[str, Any] = Field(description="Data Integrity proof (eddsa-jcs-2022) over {versionId}")


class WitnessDesk:
    """What the routes work on.

    Args:
        profile, did, publisher: the authority's DID and where its files lie.
        approved: called when an entry was approved, so that what waited for it goes on.
    """

    def __init__(
        self, profile: Profile, did: WebvhDid, publisher: Publisher, approved: Callable[[], Awaitable[None]]
    ) -> None:
        self._profile = profile
        self._did = did
        self._publisher = publisher
        self._approved = approved

    async def view(self) -> WitnessOut:
        """Return what waits."""
        return self._shown(await pending_witness_request(self._profile, self._did))

    async def add(self, proof: Mapping[str, Any]) -> WitnessOut:
        """Keep a proof, and go on if it was the last one needed.

        Raises:
            RefusedError: nothing waits, or it is not an approval of what waits.
        """
        before = await pending_witness_request(self._profile, self._did)
        try:
            after = await add_witness_proof(self._profile, self._did, proof, publisher=self._publisher)
        except WitnessError as err:
            raise RefusedError(
                err.message, hint="GET /v1/authority/did/witness-proofs shows what waits, and for whom"
            ) from err
        if before is not None and (after is None or after.version_id != before.version_id):
            await self._approved()
            return await self.view()
        return self._shown(after)

    async def withdraw(self) -> WitnessOut:
        """Give up on the entry that waits; nobody else has seen it."""
        await withdraw_entry(self._profile, self._did)
        return await self.view()

    def _shown(self, request: WitnessRequest | None) -> WitnessOut:
        waiting = None
        if request is not None:
            waiting = WaitingEntry(
                version_id=request.version_id,
                threshold=request.threshold,
                witnesses=list(request.witnesses),
                approved=list(request.approved),
                log=request.log,
                proofs=format_proofs(request.proofs).decode(),
            )
        return WitnessOut(did=self._did, waiting=waiting)


class WitnessOffice(Protocol):
    """What the routes read of an authority's office."""

    @property
    def witnesses(self) -> WitnessDesk:
        """What they work on."""
        ...


async def _show(office: WitnessOffice, _: Call[None]) -> WitnessOut:
    return await office.witnesses.view()


async def _add(office: WitnessOffice, call: Call[NewProof]) -> WitnessOut:
    return await office.witnesses.add(call.body.proof)


async def _withdraw(office: WitnessOffice, _: Call[None]) -> WitnessOut:
    return await office.witnesses.withdraw()


_PATH: Final = "/did/witness-proofs"
WITNESS_ROUTES: Final[Sequence[Route]] = (
    get(_PATH, _show, result=WitnessOut, summary="Show the log entry that waits for witnesses"),
    post(_PATH, _add, body=NewProof, result=WitnessOut, summary="Add a witness's approval"),
    post(f"{_PATH}/withdraw", _withdraw, result=WitnessOut, summary="Give up on the entry that waits"),
)
"""The routes; they are the operator's."""
