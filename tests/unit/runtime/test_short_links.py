import base64
import json
from datetime import timedelta

import pytest

from wanderbuch.agents.runtime.short_links import ShortLinks, address_of, invitation_in, record_in
from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.store.records import new_id, utc_now

MESSAGE = {"@type": "https://didcomm.org/out-of-band/1.1/invitation", "@id": "1"}
INVITATION = "https://x.test?oob=" + base64.urlsafe_b64encode(json.dumps(MESSAGE).encode()).decode().rstrip("=")


@pytest.fixture
def links(wallet: WalletProfile) -> ShortLinks:
    return ShortLinks(wallet, "https://tiny.wanderbuch.test")


async def test_a_short_link_leads_to_its_address_until_it_expires(links: ShortLinks) -> None:
    short = await links.add(INVITATION)
    gone = await links.add(INVITATION, lifetime=timedelta(seconds=-1))
    base, _, link_id = short.rpartition("/")
    assert base == "https://tiny.wanderbuch.test/i"
    assert await links.target(link_id) == INVITATION
    assert await links.target(gone.rpartition("/")[2]) is None
    await links.sweep(utc_now())
    assert await links.target(link_id) == INVITATION


@pytest.mark.parametrize("link_id", ["", "x", "A" * 16, "../../etc/passwd", "A" * 17])
async def test_any_other_id_leads_nowhere(links: ShortLinks, link_id: str) -> None:
    assert await links.target(link_id) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (INVITATION, MESSAGE),
        ("https://x.test", None),
        ("https://x.test?oob=%00", None),
        ("https://x.test?oob=WzFd", None),
    ],
)
def test_reads_the_invitation_in_an_address(url: str, expected: dict[str, str] | None) -> None:
    assert invitation_in(url) == expected


def test_an_address_that_is_made_of_a_record_leads_back_to_its_id() -> None:
    record_id = new_id()
    base, _, link_id = address_of("https://tiny.wanderbuch.test", record_id).rpartition("/")
    assert (base, record_in(link_id)) == ("https://tiny.wanderbuch.test/i", record_id)


@pytest.mark.parametrize("link_id", ["", "A" * 16, "A" * 21, "A" * 23, "A" * 21 + "!", "../" + "A" * 19])
def test_what_was_not_made_of_a_record_leads_to_none(link_id: str) -> None:
    assert record_in(link_id) is None
