"""The public list of a DID's revocation registries: `registries.json` beside its log.

An authority that suspends an issuer names the registries that exist on that day, so that honest people keep what they
were awarded before. This list lets it find them. An id names its DID and the digest of its content, so nobody else's
registry can be slipped in; but the list is the issuer's own word. One that leaves a registry out only takes from what
was issued from it. One that lists registries prepared and not used yet, whether they exist or not, can date awards back
into them after its suspension: whoever doubts the issuer names the registries without this list.
"""

import json
from collections.abc import Iterable
from typing import Final

from wanderbuch.governance.facts.anoncreds_ids import RevRegDefId
from wanderbuch.governance.facts.identifiers import IdentifierError, WebvhDid
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.webvh.errors import ResourceError
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.strict_json import StrictJsonError, read_strict_json

MAX_REGISTRIES: Final = 10_000
MAX_INDEX_BYTES: Final = MAX_REGISTRIES * 512
_FILE: Final = "registries.json"
_MEDIA_TYPE: Final = "application/json"


async def publish_registry_index(did: WebvhDid, registries: Iterable[str], publisher: Publisher) -> None:
    """Publish the ids of the registries of `did`, unless that is done; there are only ever more of them.

    One that is listed stays so, also where the wallet does not know it: after it was restored from a backup, workers
    still hold credentials from the registries that were made later.
    """
    path = index_path(did)
    published = await publisher.get(path)
    listed = sorted({*registries, *(() if published is None else read_index(did, published))})
    body = json.dumps({"registries": listed}).encode()
    if published != body:
        await publisher.put(path, body, _MEDIA_TYPE, number=len(listed))


async def published_registries(edge: HttpEdge, did: WebvhDid, *, timeout_s: float) -> tuple[RevRegDefId, ...]:
    """Return the registries that `did` lists; whether they exist, or were used, is not checked.

    Args:
        edge: how to reach its host.
        did: whose.
        timeout_s: how long to wait for it.

    Raises:
        HttpError: its host does not answer, or has no such list.
        ResourceError: the list is not in the right form, or names registries of others.
    """
    fetched = await edge.get(f"{did.base_url}/{_FILE}", max_bytes=MAX_INDEX_BYTES, timeout_s=timeout_s)
    return read_index(did, fetched.body)


def index_path(did: WebvhDid) -> str:
    """Return where the list is published."""
    return f"{'/'.join(did.path)}/{_FILE}"


def read_index(did: WebvhDid, body: bytes) -> tuple[RevRegDefId, ...]:
    """Return the registries that a list names; ResourceError: it is not in the right form."""
    try:
        document = read_strict_json(body, max_bytes=MAX_INDEX_BYTES, max_depth=2)
        listed = document["registries"] if isinstance(document, dict) else None
        def_ids = tuple(RevRegDefId.parse(one_id) for one_id in listed) if isinstance(listed, list) else None
    except (StrictJsonError, IdentifierError, KeyError) as err:
        raise ResourceError(f"the list of registries of {did} is not in the right form") from err
    if def_ids is None or len(def_ids) > MAX_REGISTRIES or any(def_id.did != did for def_id in def_ids):
        raise ResourceError(f"expected a list of at most {MAX_REGISTRIES} registries of {did}")
    return def_ids
