"""What stands on a slip, on the page and in a file for a printer's."""

from collections.abc import Mapping

from markupsafe import Markup

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch
from wanderbuch.agents.issuer.batch_records.row_pages import PAGE_ROWS
from wanderbuch.agents.issuer.slip_sheets.order import MOST_SLIPS, PaperSlip
from wanderbuch.agents.runtime.qr import qr_svg
from wanderbuch.agents.site.languages import Words


def slip_of(name: str, claim: Mapping[str, str], address: str) -> Mapping[str, object]:
    """Return what a slip shows: the name and the title, and neither number nor day of birth, which may be asked for.

    Args:
        name: of the person.
        claim: as claims, or as credentials, have it.
        address: that the slip leads to.
    """
    return {
        "name": name,
        "title": _title(claim),
        "address": address,
        "code": Markup(qr_svg(address)),  # noqa: S704 (made here, of an address of ours)
    }


def paper_slip(name: str, claim: Mapping[str, str], address: str) -> PaperSlip:
    """Return the same for a file; arguments as of `slip_of`."""
    return PaperSlip(name, _title(claim), address)


def slip_lines(batch: Batch, words: Words) -> list[str]:
    """Return what each slip of a batch says: how the credential is taken, what is asked, until when."""
    how = [words("console.slip_how")]
    if batch.access is Access.PIN:
        how.append(words("console.slip_pin"))
    elif batch.access is Access.FACT:
        how.append(words(f"console.slip_fact.{batch.fact}"))
    until = words("console.slip_until", date=words.date(batch.claim_until.date()))
    return [line.striptags() for line in (Markup(" ").join(how), until)]


def files_of(batch: Batch) -> list[int]:
    """Return after which rows the files of its slips begin, each of at most `MOST_SLIPS`."""
    pages = MOST_SLIPS // PAGE_ROWS
    return [0, *(first - 1 for first in batch.numbers[pages::pages])]


def _title(claim: Mapping[str, str]) -> str:
    return claim.get("qualification_title", claim.get("employer", "")).removeprefix("#")
