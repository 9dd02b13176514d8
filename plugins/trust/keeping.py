"""What a holder does with an offer and with the credential that comes: judge, accept, end, keep.

The functions work on ACA-Py's own exchange record, the only record there is: its state says what was done, so each of
them can be repeated after a crash. None reads more of the governance than the copy this agent holds.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from acapy_agent.anoncreds.holder import AnonCredsHolder, AnonCredsHolderError
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.issue_credential.v2_0.manager import V20CredManager
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_format import V20CredFormat
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_problem_report import (
    ProblemReportReason,
    V20CredProblemReport,
)
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.issue_credential.v2_0.models.detail.anoncreds import V20CredExRecordAnonCreds
from acapy_agent.protocols.out_of_band.v1_0.models.oob_record import OobRecord
from acapy_agent.storage.error import StorageNotFoundError
from acapy_agent.wallet.util import default_did_from_verkey
from anoncreds import AnoncredsError

from wanderbuch.errors import CredentialError, ExchangeError, ResolutionError
from wanderbuch.faults import describe
from wanderbuch.governance.question import Reason, TrustDecision, Verdict
from wanderbuch.plugins.trust.ending import Ending, read_ending, write_ending
from wanderbuch.plugins.trust.judgements import JudgementBook
from wanderbuch.plugins.trust.offer import (
    ReceivedOffer,
    ResolvedDefinition,
    differences,
    judge_offer,
    malformed,
    read_offer,
)
from wanderbuch.plugins.trust.source import GovernanceSource
from wanderbuch.plugins.webvh.tails import ensure_tails

LOGGER = logging.getLogger(__name__)

# States of our own in ACA-Py's record: nothing in ACA-Py goes on from them.
OFFER_WITHHELD = "offer-withheld"
CREDENTIAL_WITHHELD = "credential-withheld"


async def judge(profile: Profile, message: V20CredOffer) -> TrustDecision:
    """Decide whether an offer may be accepted now, on the governance in force."""
    source = profile.inject_or(GovernanceSource)
    snapshot, at = (await source.current() if source else None), datetime.now(UTC)
    try:
        offer = read_message(message)
    except CredentialError as err:
        return malformed(err, snapshot=snapshot, at=at)
    return judge_offer(offer, await _resolve_definition(profile, offer), snapshot, at=at)


async def judge_and_keep(profile: Profile, record: V20CredExRecord) -> TrustDecision:
    """Judge an open offer now, and keep the judgement for whoever lists it."""
    decision = await judge(profile, record.cred_offer)
    await JudgementBook(profile).keep(record.cred_ex_id, decision)
    return decision


def read_message(message: V20CredOffer) -> ReceivedOffer:
    """Return an offer message in typed form.

    Raises:
        CredentialError: it is not an offer of one AnonCreds credential.
    """
    preview = message.credential_preview.attributes if message.credential_preview else ()
    return read_offer(
        formats=[each.format for each in message.formats],
        attachment=message.attachment(V20CredFormat.Format.ANONCREDS),
        preview=[(each.name, each.value, each.mime_type) for each in preview],
    )


async def accept_offer(profile: Profile, record: V20CredExRecord) -> TrustDecision:
    """Judge an open offer and, if it is TRUSTED, ask the issuer for the credential.

    A no rests on what the authority says now: it may have accredited the issuer since it was last asked.

    Raises:
        ExchangeError: the offer is not open.
    """
    if record.state not in (V20CredExRecord.STATE_OFFER_RECEIVED, OFFER_WITHHELD):
        raise ExchangeError(f"expected an open offer, found one in the state {record.state}")
    decision = await judge_and_keep(profile, record)
    if decision.verdict is not Verdict.TRUSTED and (source := profile.inject_or(GovernanceSource)) is not None:
        newer = await source.ask()
        if newer is not None and newer.ref != decision.governance:
            decision = await judge_and_keep(profile, record)
    if decision.verdict is Verdict.TRUSTED:
        if record.state == OFFER_WITHHELD:
            await save_state(profile, record, V20CredExRecord.STATE_OFFER_RECEIVED, "the offer is trusted now")
        await request_credential(profile, record)
    return decision


async def end_offer(profile: Profile, record: V20CredExRecord, ending: Ending, text: str) -> None:
    """End an exchange for good and tell the issuer why, in words that may travel."""
    record.error_msg = write_ending(ending, text)
    await save_state(profile, record, V20CredExRecord.STATE_ABANDONED, text)
    try:
        await profile.inject(BaseResponder).send(ending_report(record), connection_id=record.connection_id)
    except (BaseError, RuntimeError) as err:
        LOGGER.warning("holding: exchange %s ended, the issuer could not be told: %s", record.cred_ex_id, err)


def ending_report(record: V20CredExRecord) -> V20CredProblemReport:
    """Return what the issuer is told about an exchange that was ended here."""
    text = read_ending(record.error_msg).text
    report = V20CredProblemReport(description={"en": text, "code": ProblemReportReason.ISSUANCE_ABANDONED.value})
    report.assign_thread_from(record.cred_offer)
    return report


async def keep_credential(profile: Profile, record: V20CredExRecord) -> None:
    """Judge once more and keep a credential that has come; repeatable after a crash at any point."""
    if record.state not in (V20CredExRecord.STATE_CREDENTIAL_RECEIVED, CREDENTIAL_WITHHELD):
        raise ExchangeError(f"expected a credential that came, found an exchange in the state {record.state}")
    received = record.cred_issue.attachment(V20CredFormat.Format.ANONCREDS)
    refusals, delays = await _check_credential(profile, record, received)
    if refusals:
        LOGGER.warning("holding: credential refused: %s", ", ".join(reason.code for reason in refusals))
        await end_offer(profile, record, Ending.REFUSED, " ".join(reason.text for reason in refusals))
        return
    if delays:
        LOGGER.warning("holding: credential waits: %s", ", ".join(reason.code for reason in delays))
        record.error_msg = " ".join(reason.text for reason in delays)
        await save_state(profile, record, CREDENTIAL_WITHHELD, "could not be checked yet")
        return
    record.error_msg = None
    await save_state(profile, record, V20CredExRecord.STATE_CREDENTIAL_RECEIVED, "equals the accepted offer")
    manager = V20CredManager(profile)
    if not await _is_stored(profile, record.cred_ex_id):
        try:
            await manager.store_credential(record, cred_id=record.cred_ex_id)
        except AnonCredsHolderError as err:
            if not isinstance(err.__cause__, AnoncredsError):
                raise
            await end_offer(profile, record, Ending.REFUSED, "Its signature does not verify.")
            return
    await manager.send_cred_ack(record)


async def withhold_untrusted(profile: Profile, record: V20CredExRecord) -> None:
    """Judge an open offer again and withhold it if it is no longer TRUSTED: governance may have moved on."""
    if record.state != V20CredExRecord.STATE_OFFER_RECEIVED:
        return
    if (await judge_and_keep(profile, record)).verdict is not Verdict.TRUSTED:
        await save_state(profile, record, OFFER_WITHHELD, "the offer is not trusted any more")


async def drop_details(profile: Profile, cred_ex_id: str) -> None:
    """Drop what ACA-Py keeps beside an exchange for its format, where a crash came before the exchange was written."""
    async with profile.session() as session:
        for detail in await V20CredExRecordAnonCreds.query_by_cred_ex_id(session, cred_ex_id):
            await detail.delete_record(session)


async def find_exchange(profile: Profile, connection_id: str | None, thread_id: str) -> V20CredExRecord | None:
    """Return our exchange as holder on this thread, None if there is none.

    Without a connection it is one without: what ACA-Py looks for then may be any connection's.
    """
    try:
        async with profile.session() as session:
            return await V20CredExRecord.retrieve_by_tag_filter(
                session,
                {"thread_id": thread_id},
                {"connection_id": connection_id, "role": V20CredExRecord.ROLE_HOLDER},
            )
    except StorageNotFoundError:
        return None


async def _resolve_definition(profile: Profile, offer: ReceivedOffer) -> ResolvedDefinition | None:
    """Return what the registry says about an offer; None if it could not be fetched or checked."""
    registry = profile.inject(AnonCredsRegistry)
    try:
        definition = (await registry.get_credential_definition(profile, offer.cred_def_id)).credential_definition
        schema = (await registry.get_schema(profile, definition.schema_id)).schema
    except (BaseError, ResolutionError) as err:
        LOGGER.warning("holding: %s could not be resolved: %s", offer.cred_def_id, describe(err))
        return None
    return ResolvedDefinition(definition.schema_id, schema.name, schema.version, tuple(schema.attr_names))


async def _check_credential(
    profile: Profile, record: V20CredExRecord, received: object
) -> tuple[Sequence[Reason], Sequence[Reason]]:
    """Return why a credential is refused for good, and why it can not be kept yet; both empty if it can be kept."""
    try:
        offer = read_message(record.cred_offer)
    except CredentialError as err:
        return [Reason("offer.malformed", err.message)], []
    if [each.format for each in record.cred_issue.formats] != ["anoncreds/credential@v1.0"]:
        return [Reason("credential.malformed", "What came is not one AnonCreds credential.")], []
    if differing := differences(offer, received):
        return differing, []
    decision = await judge(profile, record.cred_offer)
    if decision.verdict is Verdict.NOT_TRUSTED:
        return decision.reasons, []
    if decision.verdict is not Verdict.TRUSTED:
        return [], decision.reasons
    try:
        await _fetch_tails(profile, received)
    except (BaseError, ResolutionError):
        return [], [Reason("credential.tails", "Its revocation registry could not be fetched and checked.")]
    return [], []


async def _fetch_tails(profile: Profile, received: object) -> None:
    """Have the tails file in place before ACA-Py looks for it, so that it never downloads one itself."""
    rev_reg_id = received.get("rev_reg_id") if isinstance(received, dict) else None
    if rev_reg_id is not None:
        result = await profile.inject(AnonCredsRegistry).get_revocation_registry_definition(profile, rev_reg_id)
        await ensure_tails(profile, result.revocation_registry)


async def request_credential(profile: Profile, record: V20CredExRecord) -> None:
    """Make and send the request for an accepted offer.

    ACA-Py keeps the request's secrets first and the request after them, and makes none where it finds secrets. A crash
    between the two leaves secrets that belong to nothing: they are dropped.
    """
    if record.cred_request is None:
        await drop_details(profile, record.cred_ex_id)
    _, request = await V20CredManager(profile).create_request(record, await _own_did(profile, record))
    await profile.inject(BaseResponder).send(request, connection_id=record.connection_id)


async def _own_did(profile: Profile, record: V20CredExRecord) -> str:
    """Return the name we go by in this exchange: a DID known to this issuer only."""
    async with profile.session() as session:
        if record.connection_id:
            my_did: str = (await ConnRecord.retrieve_by_id(session, record.connection_id)).my_did
            return my_did
        oob = await OobRecord.retrieve_by_tag_filter(session, {"attach_thread_id": record.thread_id})
    did: str = default_did_from_verkey(oob.our_recipient_key)
    return did


async def _is_stored(profile: Profile, credential_id: str) -> bool:
    try:
        await AnonCredsHolder(profile).get_credential(credential_id)
    except BaseError:
        return False
    return True


async def save_state(profile: Profile, record: V20CredExRecord, state: str, reason: str) -> None:
    """Write an exchange with a new state."""
    record.state = state
    async with profile.session() as session:
        await record.save(session, reason=reason)
