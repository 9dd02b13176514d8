"""What ends in the wallet is told: by the bus, and by the sweep where a crash came between."""

from datetime import timedelta

import pytest
from acapy_agent.core.profile import Profile
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from tests.unit.told import told

from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.offers import sweep_offers
from wanderbuch.agents.holder.telling import Ends, end_of
from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.plugins.trust.ending import Ending, write_ending
from wanderbuch.store.record import utc_now


async def ended(profile: Profile, state: str, error_msg: str | None = None) -> V20CredExRecord:
    record = V20CredExRecord(
        role=V20CredExRecord.ROLE_HOLDER, state=state, thread_id="t", cred_offer=V20CredOffer(), error_msg=error_msg
    )
    async with profile.session() as session:
        await record.save(session)
    return record


async def sweep(profile: Profile, ends: Ends, *, days_later: int = 0) -> None:
    now = utc_now() + timedelta(days=days_later)
    ends.begin(now)
    config = HolderConfig()
    await sweep_offers(profile, config, utc_now(), began=utc_now(), note=ends.note)
    await ends.tell(now)


async def test_what_a_crash_kept_from_being_told_the_sweep_tells_once(wallet: WalletProfile) -> None:
    declined = await ended(wallet, V20CredExRecord.STATE_ABANDONED, write_ending(Ending.DECLINED, "No."))
    by_issuer = await ended(wallet, V20CredExRecord.STATE_ABANDONED, "the issuer's words")
    kept = await ended(wallet, V20CredExRecord.STATE_DONE)
    ends = Ends(wallet)
    await sweep(wallet, ends)
    await sweep(wallet, ends)
    assert sorted(await told(wallet), key=lambda each: each[1]) == sorted(
        [
            ("wallet.offer-ended", declined.cred_ex_id, {"state": "DECLINED"}),
            ("wallet.offer-ended", by_issuer.cred_ex_id, {"state": "ENDED_BY_ISSUER"}),
            ("wallet.credential-kept", kept.cred_ex_id, {}),
        ],
        key=lambda each: each[1],
    )


async def test_what_ended_long_ago_is_not_told_again(wallet: WalletProfile) -> None:
    await ended(wallet, V20CredExRecord.STATE_DONE)
    await sweep(wallet, Ends(wallet), days_later=8)
    assert await told(wallet) == []


@pytest.mark.parametrize(
    "state", [V20CredExRecord.STATE_OFFER_RECEIVED, V20CredExRecord.STATE_REQUEST_SENT, "credential-withheld"]
)
def test_nothing_is_told_while_it_goes_on(state: str) -> None:
    going = V20CredExRecord(
        cred_ex_id="x", role=V20CredExRecord.ROLE_HOLDER, state=state, thread_id="t", cred_offer=V20CredOffer()
    )
    assert end_of(going) is None


def test_what_this_agent_issues_is_not_the_wallets() -> None:
    issued = V20CredExRecord(
        cred_ex_id="x", role=V20CredExRecord.ROLE_ISSUER, state=V20CredExRecord.STATE_DONE, cred_offer=V20CredOffer()
    )
    assert end_of(issued) is None
