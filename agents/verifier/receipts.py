"""The receipt of a decision as the REST API gives it."""

from typing import Final

from wanderbuch.agents.runtime.app import ApiModel, Call
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.plugins.trust.receipts.receipt import DecisionReceipt
from wanderbuch.plugins.trust.receipts.signing_receipts import sign_receipt
from wanderbuch.plugins.trust.verifying.exchange import Verification

RECEIPT_PATH: Final = "/receipts"


class ReceiptOut(ApiModel):
    """A receipt: the signed text (a compact JWS), what it says, and the address of its page, which may be handed on.

    `address` is null where the page itself is asked, and for what was decided before receipts had pages.
    """

    receipt: str
    address: str | None
    content: DecisionReceipt


async def show_receipt(office: VerifierOffice, call: Call[None]) -> ReceiptOut:
    """Return the receipt of a request that was decided."""
    verification = await office.verification(call.path["id"])
    receipt, jws = await signed_receipt(office, verification)
    return ReceiptOut(receipt=jws, address=receipt_address(office, verification), content=receipt)


async def signed_receipt(office: VerifierOffice, verification: Verification) -> tuple[DecisionReceipt, str]:
    """Return a receipt that is signed now; errors as with `sign_receipt`."""
    tenant = office.tenant
    return await sign_receipt(tenant.profile, verification, did=tenant.did, name=office.name, at=tenant.clock())


def receipt_address(office: VerifierOffice, verification: Verification) -> str | None:
    """Return the address of a receipt's page; None: it has none."""
    if verification.receipt_token is None:
        return None
    return f"{office.tenant.place.site_url}{RECEIPT_PATH}/{verification.id}/{verification.receipt_token}"
