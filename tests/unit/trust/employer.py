"""A verifier with everything real but the hosts it fetches from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.decorators.attach_decorator import AttachDecorator
from acapy_agent.messaging.responder import MockResponder
from acapy_agent.protocols.present_proof.v2_0.manager import V20PresManager
from acapy_agent.protocols.present_proof.v2_0.messages.pres_format import V20PresFormat
from acapy_agent.protocols.present_proof.v2_0.messages.pres_request import V20PresRequest
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from tests.unit.trust.ecosystem import (
    AUTHORITY,
    WELDER,
    Authority,
    FileHost,
    Issuer,
    Registry,
    accreditation,
    message,
    payload,
)

from wanderbuch.governance.question import Requirement, Verdict
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.exchange import (
    Verification,
    VerificationState,
)
from wanderbuch.plugins.trust.request import AwardPrecision, compile_request
from wanderbuch.plugins.trust.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.trust.verifier import VerificationDesk
from wanderbuch.store.records import RecordStore

FORMAT = V20PresFormat.Format.ANONCREDS.api


@dataclass
class Employer:
    """A verifier with everything real but the hosts it fetches from."""

    profile: Profile
    desk: VerificationDesk
    source: GovernanceSource
    registry: Registry
    host: FileHost
    wallet_hears: MockResponder
    now: datetime

    def clock(self) -> datetime:
        return self.now

    async def ask(
        self, requirement: Requirement = WELDER, precision: AwardPrecision = AwardPrecision.YEAR
    ) -> Verification:
        """Put a question; the invitation is for tests with real agents."""
        snapshot = self.source.snapshot()
        assert snapshot is not None
        compiled = compile_request(
            requirement,
            snapshot,
            at=self.now,
            answer_by=self.now + timedelta(minutes=10),
            name="Employer",
            nonce=str(datetime.now(UTC).timestamp()).replace(".", ""),
            award_precision=precision,
        )
        request = V20PresRequest(
            will_confirm=True,
            formats=[V20PresFormat(attach_id=FORMAT, format_="anoncreds/proof-request@v1.0")],
            request_presentations_attach=[AttachDecorator.data_base64(compiled.proof_request, ident=FORMAT)],
        )
        record = await V20PresManager(self.profile).create_exchange_for_request(None, request, auto_verify=False)
        asked = Verification(
            thread_id=record.thread_id,
            pres_ex_id=record.pres_ex_id,
            invitation_id="invitation",
            invitation_url="https://employer.wanderbuch.test/didcomm?oob=x",
            requirement=requirement,
            award_precision=precision,
            proof_request=compiled.proof_request,
            words=compiled.words,
            names=compiled.names,
            hidden=compiled.hidden,
            eligible=tuple(sorted(compiled.eligible)),
            schemas=tuple(sorted(compiled.schemas)),
            created_at=self.now,
            answer_by=self.now + timedelta(minutes=10),
        )
        await RecordStore(self.profile, Verification).insert(asked)
        return asked

    async def get(self, asked: Verification, proof: Mapping[str, Any]) -> Verification:
        """Receive an answer and return how the verification stands then."""
        await self.desk.receive(self.profile, asked.thread_id, message(proof), self.wallet_hears)
        return await self.desk.status(self.profile, asked.id)

    async def record(self, asked: Verification) -> V20PresExRecord:
        async with self.profile.session() as session:
            return await V20PresExRecord.retrieve_by_id(session, asked.pres_ex_id)

    def heard(self) -> list[type]:
        return [type(sent) for sent, _ in self.wallet_hears.messages]


async def open_employer(
    profile: Profile, authority: Authority, training_centre: Issuer, cooking_school: Issuer, now: datetime
) -> Employer:
    """Return a verifier that knows both."""
    registry, host = Registry(training_centre, cooking_school), FileHost()
    profile.context.injector.bind_instance(AnonCredsRegistry, AnonCredsRegistry([registry]))
    profile.context.injector.bind_instance(EventBus, EventBus())
    signed = await authority.file(
        payload(
            {
                training_centre.did: [
                    accreditation([training_centre.cred_def_id], occupations=["C72", "C22"]),
                ],
                cooking_school.did: [accreditation([cooking_school.cred_def_id], id="acc-2", occupations=["C512"])],
            }
        )
    )
    host.files = {"current.jws": signed.jws, "freshness.jws": await authority.statement(signed, at=now)}
    made: Employer
    source = GovernanceSource(
        GovernanceSourceConfig(url="https://authority.wanderbuch.test/g", author=AUTHORITY),
        edge=cast(HttpEdge, host),
        resolve_key=authority.resolve_key,
        clock=lambda: made.now,
    )
    desk = VerificationDesk(source, clock=lambda: made.now)
    made = Employer(profile, desk, source, registry, host, MockResponder(), now)
    await source.refresh()
    return made


def codes(ended: Verification) -> list[str]:
    assert ended.decision is not None
    return [reason.code for reason in ended.decision.reasons]


def verdict(ended: Verification) -> Verdict:
    assert ended.state is VerificationState.DECIDED
    assert ended.decision is not None
    return ended.decision.verdict
