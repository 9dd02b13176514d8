"""Which open rows of another centre a batch took over, so that each is taken over once (`issuer.succession`).

It is kept while the batch is WRITING, and counts once that is whole: both become true in one write. It outlives the
batch; what was never whole goes with it, and so do rows of a batch that was cancelled before anything came of them.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from wanderbuch.agents.issuer.batch_records.batch import Batch
from wanderbuch.canonical_json import canonical
from wanderbuch.store.records import Record


class TakenRows(Record):
    """The rows of one batch that were another centre's; its id is the batch's.

    Args:
        centre: the DID of the other centre.
        of_batch: id of the batch there.
        rows: number of a row there -> what its claim was, under a key that goes with our batch.
        is_last: the rows are those that are here for good: what becomes of our batch and its rows changes none of it.
    """

    category: ClassVar[str] = "wanderbuch.taken_rows"
    tag_names: ClassVar[tuple[str, ...]] = ("centre",)

    centre: str
    of_batch: str
    rows: dict[int, str] = Field(repr=False)
    is_last: bool = False


def claim_mark(batch: Batch, claim: Mapping[str, str]) -> str:
    """Return what tells whether a claim is the one that was taken over: HMAC-SHA-256, hexadecimal.

    Nobody compares guesses with it once the batch, whose secret is the key, is gone.
    """
    return hmac.digest(bytes.fromhex(batch.secret), b"taken\0" + canonical(dict(claim)), hashlib.sha256).hex()
