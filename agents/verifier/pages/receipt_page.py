"""The receipt as a page for both sides: on the public site, behind an address that nobody guesses.

`/receipts/<exchange>/<token>`: the token is made with the decision, and told to whoever asks for the receipt with the
verifier's token. To programs the same address gives the signed text with what it says; `?text` gives the text alone.
"""

import hmac
from datetime import date
from typing import Final

from aiohttp import web

from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.runtime.front import wants_page
from wanderbuch.agents.site.front import SiteFront
from wanderbuch.agents.site.safe_text import plain
from wanderbuch.agents.verifier.erasing.erasure import ErasedError
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.agents.verifier.pages.facts_together import together
from wanderbuch.agents.verifier.pages.kit import KIT
from wanderbuch.agents.verifier.receipts import RECEIPT_PATH, ReceiptOut, signed_receipt
from wanderbuch.agents.verifier.shown import labels
from wanderbuch.plugins.trust.receipts.receipt import DecisionReceipt, ReceiptCredential
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.store.records import NotFoundError

_FRONT: Final = SiteFront(KIT)
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_MAX_ID_CHARS: Final = 64
_TEXT: Final = "text"  # `?text`: the signed text alone, to be saved


async def _show(office: VerifierOffice, request: web.Request) -> web.StreamResponse:
    """Answer with the receipt; a wrong token is answered like a request that is not there."""
    exchange, token = request.match_info["id"], request.match_info["token"]
    if len(exchange) > _MAX_ID_CHARS:
        raise web.HTTPNotFound
    try:
        verification = await office.verification(exchange)
    except (NotFoundError, ErasedError):
        raise web.HTTPNotFound from None
    if verification.receipt_token is None or not hmac.compare_digest(
        verification.receipt_token.encode(), token.encode()
    ):
        raise web.HTTPNotFound
    receipt, jws = await signed_receipt(office, verification)
    if _TEXT in request.query:
        headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="receipt-{verification.id}.jws"'}
        return web.Response(text=jws, content_type="application/jose", headers=headers)
    if not wants_page(request):
        shown = ReceiptOut(receipt=jws, address=None, content=receipt)
        return web.Response(text=shown.model_dump_json(), content_type="application/json", headers=_HEADERS)
    return page_of(request, receipt)


def page_of(request: web.Request, receipt: DecisionReceipt) -> web.Response:
    """Return the page of a receipt."""
    asked = receipt.asked.credentials
    numbers = {one.name: number for number, one in enumerate(asked, start=1)} if len(asked) > 1 else {}
    response = _FRONT.page(
        request,
        "receipt.html",
        site_name=plain(receipt.verifier.name),
        receipt=receipt,
        about=lambda asked, words: words.occupation(asked.occupation),
        labels=_labels,
        facts=together(receipt.decided.facts, numbers),
        holds_on=date.fromisoformat(receipt.decided.holds_on),
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _labels(asked: ReceiptCredential, tag: str) -> tuple[str, ...]:
    """Return the labels of the attributes that were to be shown."""
    return labels(load_credential_type(asked.credential_type), asked.shown, tag)


def receipt_routes() -> tuple[PublicRoute, ...]:
    """Return the routes of receipts on the public site."""
    return (PublicRoute("GET", f"{RECEIPT_PATH}/{{id}}/{{token}}", _show),)
