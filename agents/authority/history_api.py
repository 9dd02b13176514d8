"""The history over HTTP: entries, head and proofs, for officials on the app site and for everybody on the public one.

The public site has the same answers below `<ecosystem folder>/history/`: `head`, `inclusion?n=…&size=…` and
`consistency?from=…&to=…`, beside the file `entries.jsonl`, from which anybody can compute them. A head counts once it
is signed: see `freshness.jws`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, Self

from aiohttp import web

from wanderbuch.agents.authority.desk_api import EVERYBODY
from wanderbuch.agents.authority.history import HistoryLog
from wanderbuch.agents.runtime.app import ApiModel, Call, PublicRoute, Route, get
from wanderbuch.agents.runtime.problems import MalformedError, problem_response
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.signed.history import MAX_ENTRIES, Head, HistoryEntry

if TYPE_CHECKING:
    from wanderbuch.agents.authority.office import AuthorityOffice

_PUBLIC_HEADERS = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}


class EntryOut(ApiModel):
    """One entry of the history."""

    n: int
    at: datetime
    who: str
    action: str
    why: str
    version: int | None
    digest: str | None

    @classmethod
    def of(cls, entry: HistoryEntry) -> Self:
        """Return an entry as the API shows it."""
        return cls(**{name: getattr(entry, name) for name in cls.model_fields})


class EntryViews(ApiModel):
    """All entries, the first one first."""

    items: list[EntryOut]


class HeadOut(ApiModel):
    """How many entries, and the Merkle root over them."""

    size: int
    root: str

    @classmethod
    def of(cls, head: Head) -> Self:
        """Return a head as the API shows it."""
        return cls(size=head.size, root=head.root)


class InclusionOut(ApiModel):
    """The proof that an entry is in the history of that head (RFC 9162 §2.1.3); hashes as hexadecimal digits."""

    n: int
    line: str
    head: HeadOut
    proof: list[str]


class ConsistencyOut(ApiModel):
    """The proof that one history is the beginning of another (RFC 9162 §2.1.4); hashes as hexadecimal digits."""

    old: HeadOut
    new: HeadOut
    proof: list[str]


async def head(log: HistoryLog, _: Mapping[str, str]) -> HeadOut:
    """Return the head of now."""
    return HeadOut.of(await log.head())


async def inclusion(log: HistoryLog, query: Mapping[str, str]) -> InclusionOut:
    """Return the proof for entry `n` in the history of `size`, by default of now."""
    number, size = _number(query, "n"), _number_or_none(query, "size")
    top = await log.head(size)
    entry = await log.entry(number)
    proof = await log.inclusion(number, top.size)
    return InclusionOut(
        n=number, line=entry.line.decode(), head=HeadOut.of(top), proof=[digest.hex() for digest in proof]
    )


async def consistency(log: HistoryLog, query: Mapping[str, str]) -> ConsistencyOut:
    """Return the proof between the sizes `from` and `to`, the latter by default that of now."""
    old, new = await log.head(_number(query, "from")), await log.head(_number_or_none(query, "to"))
    proof = await log.consistency(old.size, new.size)
    return ConsistencyOut(old=HeadOut.of(old), new=HeadOut.of(new), proof=[digest.hex() for digest in proof])


async def _every(office: "AuthorityOffice", _: Call[None]) -> EntryViews:
    return EntryViews(items=[EntryOut.of(entry) for entry in await office.history.entries()])


async def _show_head(office: "AuthorityOffice", call: Call[None]) -> HeadOut:
    return await head(office.history, call.query)


async def _show_inclusion(office: "AuthorityOffice", call: Call[None]) -> InclusionOut:
    return await inclusion(office.history, call.query)


async def _show_consistency(office: "AuthorityOffice", call: Call[None]) -> ConsistencyOut:
    return await consistency(office.history, call.query)


HISTORY_ROUTES: Final[Sequence[Route]] = (
    get("/history", _every, result=EntryViews, summary="List all entries of the history", needs=EVERYBODY),
    get("/history/head", _show_head, result=HeadOut, summary="Show the head of the history", needs=EVERYBODY),
    get(
        "/history/inclusion",
        _show_inclusion,
        result=InclusionOut,
        summary="Prove that an entry is in the history",
        query=("n", "size"),
        needs=EVERYBODY,
    ),
    get(
        "/history/consistency",
        _show_consistency,
        result=ConsistencyOut,
        summary="Prove that the history only grew",
        query=("from", "to"),
        needs=EVERYBODY,
    ),
)


def _public(
    answer: Callable[[HistoryLog, Mapping[str, str]], Awaitable[ApiModel]],
) -> Callable[["AuthorityOffice", web.Request], Awaitable[web.StreamResponse]]:
    async def handle(office: "AuthorityOffice", request: web.Request) -> web.StreamResponse:
        if request.match_info["ecosystem"] != office.ecosystem:
            raise web.HTTPNotFound
        try:
            model = await answer(office.history, request.query)
        except WanderbuchError as err:
            return problem_response(err)
        return web.Response(text=model.model_dump_json(), content_type="application/json", headers=_PUBLIC_HEADERS)

    return handle


PUBLIC_HISTORY_ROUTES: Final[Sequence[PublicRoute]] = (
    PublicRoute("GET", "/governance/{ecosystem}/history/head", _public(head)),
    PublicRoute("GET", "/governance/{ecosystem}/history/inclusion", _public(inclusion)),
    PublicRoute("GET", "/governance/{ecosystem}/history/consistency", _public(consistency)),
)


def _number(query: Mapping[str, str], name: str) -> int:
    number = _number_or_none(query, name)
    if number is None:
        raise MalformedError(f"expected the query parameter {name}")
    return number


def _number_or_none(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 9) or int(text) > MAX_ENTRIES:
        raise MalformedError(f"expected a whole number as {name}")
    return int(text)
