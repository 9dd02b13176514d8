"""Links of slips as a file for the centre's own gateway: so many lines, each a text that fits one message.

Only who claims with a fact or a PIN is written to from afar: where slips are handed over in person, the link alone is
the credential, and whoever reads another's messages had it.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch, BatchState, BatchStateError
from wanderbuch.agents.issuer.batch_records.row import BatchRow, RowState
from wanderbuch.agents.issuer.batches.reached import Contacts
from wanderbuch.agents.issuer.class_list.contacts import EMAIL, LANGUAGE, PHONE, is_reached
from wanderbuch.governance.lists.table import escaped

GATEWAY_COLUMNS: Final = ("row", "phone", "email", "language", "link", "text")
_SEPTETS: Final = 160
_UNITS: Final = 70
# 3GPP TS 23.038 §6.2.1: the default alphabet, and what takes two septets.
_GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWO: Final = frozenset("\f^{}\\[~]|€")

type Words = Callable[[str, str], str]
"""Returns the text of a message in a language (its tag), for a link."""


def must_reach_from_afar(batch: Batch) -> None:
    """Refuse a batch whose slips are handed over in person.

    Raises:
        BatchStateError: it is one.
    """
    if batch.access is Access.IN_PERSON:
        raise BatchStateError(
            "expected a batch that asks for a fact or a PIN: whoever sees such a link could claim with it",
            hint="make the batch with access fact or pin, or hand its slips over",
        )


def must_be_claimable(batch: Batch, *, at: datetime) -> None:
    """Refuse a batch that is over: whoever got its links would claim in vain.

    Args:
        batch: which.
        at: the instant now, aware UTC.

    Raises:
        BatchStateError: it was cancelled or handed over, or its last day is past.
    """
    if batch.state is BatchState.CANCELLED:
        raise BatchStateError(
            "this batch was cancelled: nobody can claim with its links",
            hint="whoever still waits for a certificate needs a new batch",
        )
    if batch.state is BatchState.HANDED_OVER:
        raise BatchStateError(
            f"this batch was handed over to {batch.handed_to}: nobody can claim with its links",
            hint="that issuer gives out links of its own",
        )
    if at > batch.claim_until:
        raise BatchStateError(
            "the last day of this batch is past: nobody can claim with its links", hint="extend the batch first"
        )


def is_written_to(row: BatchRow, contact: Mapping[str, str]) -> bool:
    """Return whether somebody may still claim this row, and can be reached."""
    return row.state in (RowState.WAITING, RowState.OPEN) and is_reached(contact)


def fits_one_message(text: str) -> bool:
    """Return whether a text is sent as one short message, not as several (3GPP TS 23.038, 23.040).

    >>> fits_one_message("a" * 160), fits_one_message("a" * 161), fits_one_message("ක" * 71)
    (True, False, False)
    """
    if all(one in _GSM or one in _GSM_TWO for one in text):
        return sum(1 + (one in _GSM_TWO) for one in text) <= _SEPTETS
    return len(text.encode("utf-16-be")) // 2 <= _UNITS


def message_for(link: str, language: str, words: Words) -> str:
    """Return the text of a message: in the person's language, else in English, else the link alone.

    A script with letters of its own leaves 70 characters, and most links are longer than what is left of them.
    """
    for tag in dict.fromkeys((language, "en")):
        text = words(tag, link)
        if fits_one_message(text):
            return text
    return link


def gateway_lines(
    rows: Iterable[BatchRow],
    contacts: Contacts,
    *,
    address: Callable[[BatchRow], str],
    language: str,
    words: Words,
    with_header: bool = True,
) -> str:
    """Return the lines of the file for those who may still claim and can be reached.

    Args:
        rows: in order.
        contacts: of these rows.
        address: gives that of a row's slip.
        language: of whom the list says none.
        words: of a message.
        with_header: whether the names of the columns stand above.
    """
    text = io.StringIO()
    lines = csv.writer(text)
    if with_header:
        lines.writerow(GATEWAY_COLUMNS)
    for row in rows:
        contact = contacts.get(row.number, {})
        if is_written_to(row, contact):
            link, spoken = address(row), contact.get(LANGUAGE, language)
            # A number begins with "+", and is nothing but digits: marked as text a gateway could not call it.
            reached = contact.get(PHONE, ""), contact.get(EMAIL, "")
            lines.writerow([str(row.number), *reached, spoken, link, escaped(message_for(link, spoken, words))])
    return text.getvalue()
