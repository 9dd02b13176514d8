"""What a person tells to claim a slip: a fact of their own claim, or a PIN, as people write them."""

import hmac
import unicodedata
from collections.abc import Mapping

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch
from wanderbuch.agents.issuer.batch_records.row import BatchRow
from wanderbuch.agents.issuer.batch_records.slips import pin_of
from wanderbuch.governance.importing.dates import DayOrder, parse_day
from wanderbuch.governance.importing.digits import plain_digits
from wanderbuch.governance.importing.problem import ValueProblem
from wanderbuch.schemas.credential_type import Kind, load_credential_type


def is_right(batch: Batch, row: BatchRow, claim: Mapping[str, str], told: str) -> bool:
    """Return whether a person told what is asked of them; compared in a time that says nothing."""
    if batch.access is Access.PIN:
        return _same("".join(plain_digits(told).split()), pin_of(row.slip, batch.secret))
    kind = load_credential_type(batch.credential_type)
    attribute = kind.attribute(batch.fact or "")
    wanted = claim.get(attribute.name, "")
    if attribute.kind is Kind.DATE:
        return any(_same(day, wanted) for day in _days(told))
    return _same(_folded(told), _folded(wanted))


def _days(told: str) -> set[str]:
    """Return the days that a person may mean, as a claim writes them: 03/04/1995 is right if it is one of the two."""
    days = {""}
    for order in (DayOrder.DAY_FIRST, DayOrder.MONTH_FIRST):
        try:
            days.add(f"{parse_day(told[:40], order):%Y%m%d}")
        except ValueProblem:
            continue
    return days


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", plain_digits(text)).casefold().split())


def _same(told: str, wanted: str) -> bool:
    return bool(wanted) and hmac.compare_digest(told.encode(), wanted.encode())
