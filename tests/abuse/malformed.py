"""Malformed messages of every type that we handle ourselves, made by hypothesis from one example of each.

Something that must be there is broken, always; then anything else may be: members missing, doubled, of other types,
huge, deep, threads and attachments of every wrong kind.
"""

import base64
import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from hypothesis import strategies as st

PREFIX: Final = "https://didcomm.org/"

type Json = dict[str, Any]
type Path = tuple[str | int, ...]


def _attached(content: object) -> Json:
    return {"@id": "a", "mime-type": "application/json", "data": {"base64": _b64(json.dumps(content).encode())}}


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _with(attachments: str, kind: str, content: object) -> Json:
    return {"formats": [{"attach_id": "a", "format": f"anoncreds/{kind}@v1.0"}], attachments: [_attached(content)]}


_REPORT: Final = {"description": {"code": "abandoned", "en": "No."}}
_OFFER: Final = {"schema_id": "s", "cred_def_id": "c", "key_correctness_proof": {"c": "1"}, "nonce": "1"}
_QUESTION: Final = {"name": "q", "version": "1.0", "nonce": "1", "requested_attributes": {}, "requested_predicates": {}}
_DID: Final = "did:peer:4zQmYdV6m3vP7Y6h3Qn2o5r4t"
_NYM: Final = "V4SGRU86Z58d6TV7PBUe6f"
EXAMPLES: Final[Mapping[str, Json]] = {
    "didexchange/request": {"label": "Somebody", "did": _DID, "goal": "to connect", "did_doc~attach": _attached({})},
    "didexchange/response": {"did": _DID, "did_rotate~attach": _attached({})},
    "didexchange/complete": {},
    "didexchange/problem_report": _REPORT,
    "out-of-band/handshake-reuse": {},
    "out-of-band/handshake-reuse-accepted": {},
    "out-of-band/problem_report": _REPORT,
    "issue-credential/propose-credential": {"comment": "please", "formats": [], "filters~attach": []},
    "issue-credential/offer-credential": {
        "credential_preview": {"@type": "p", "attributes": [{"name": "a", "value": "1"}]},
        **_with("offers~attach", "credential-offer", _OFFER),
    },
    "issue-credential/request-credential": _with("requests~attach", "credential-request", {"nonce": "1"}),
    "issue-credential/issue-credential": _with("credentials~attach", "credential", {"values": {}}),
    "issue-credential/ack": {"status": "OK"},
    "issue-credential/problem-report": _REPORT,
    "present-proof/request-presentation": _with("request_presentations~attach", "proof-request", _QUESTION),
    "present-proof/presentation": _with("presentations~attach", "proof", {"proof": {}}),
    "present-proof/ack": {"status": "OK", "verification_result": "true"},
    "present-proof/problem-report": _REPORT,
    "revocation_notification/revoke": {"revocation_format": "anoncreds", "credential_id": "r::1", "comment": "no"},
    "revocation_notification/ack": {"status": "OK"},
    "transactions/endorse": {
        "transaction_id": f"{'0' * 64}-{'0' * 32}",
        "signature_response": {"signature": {_NYM: json.dumps({"signatures": {_NYM: "1" * 88}})}},
    },
    "transactions/refuse": {"transaction_id": f"{'0' * 64}-{'0' * 32}", "state": "refused"},
    "transactions/transaction_my_job": {"job": "TRANSACTION_ENDORSER"},
    "notification/ack": {"status": "OK"},
    "data-erasure/request": {"signed": "e30.e30.AA"},
    "data-erasure/answer": {"at": "2026-11-28T06:00:00Z", "erased": ["values"], "kept": []},
    "notification/problem-report": _REPORT,
}
"""What each message holds beside its type, id and thread; by protocol and name, since versions do not differ in it."""

_DEEP: Final[list[Any]] = json.loads("[" * 40 + "]" * 40)
_JUNK: Final = st.one_of(
    st.sampled_from(
        [None, True, 0, -1, 2**70, 1.5, "", "x" * 20_000, "\u0000", "\ud7ff", [], {}, [None], {"": ""}, _DEEP]
    ),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.sampled_from(["@type", "@id", "data", "base64", "thid"]), st.integers(), max_size=2),
)
_NOT_JSON: Final = ("%%%", "a", "=", "_-_-", _b64(b"\xff\xfe"), _b64(b"no"), _b64(b"[]"), _b64(b'{"a":1,"a":2}'))


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message as it goes into an envelope, and whether it is written with another key than the connection's."""

    content: bytes
    is_strangers: bool


def example(kind: str, thread: Json) -> Json:
    """Return a message of a type that is as it should be, as far as its form goes."""
    protocol, _, name = kind.split("/")
    body = copy.deepcopy(EXAMPLES[f"{protocol}/{name}"])
    return {"@type": f"{PREFIX}{kind}", "@id": "6f1c5cf8-4b0b-4c3c-9d0a-0e1e3a5b7c9d", "~thread": thread, **body}


@st.composite
def malformed(draw: st.DrawFn, kind: str, threads: tuple[str, ...]) -> Malformed:
    """Make one malformed message.

    Args:
        draw: hypothesis's.
        kind: its type, without prefix.
        threads: ids that it may name: of an invitation, of nothing.
    """
    named = st.sampled_from(threads)
    message = example(kind, {"thid": draw(named), "pthid": draw(named)})
    draw(st.sampled_from(_breakers(message)))(message, draw)
    message = copy.deepcopy(message)  # what was drawn is hypothesis's, and is changed below
    for _ in range(draw(st.integers(0, 2))):
        if paths := [path for path in _paths(message) if path not in (("@type",), ("@id",))]:
            _put(message, draw(st.sampled_from(paths)), draw)
    text = json.dumps(message)
    if draw(st.booleans()):
        member = draw(st.sampled_from(sorted(message)))
        text = f"{text[:-1]}, {json.dumps(member)}: {json.dumps(draw(_JUNK))}}}"
    return Malformed(text.encode("utf-8", "surrogatepass"), draw(st.sampled_from([False, False, True])))


type _Breaker = Callable[[Json, st.DrawFn], None]


def _breakers(message: Json) -> list[_Breaker]:
    """Return what breaks a message for certain: its attachment where it has one, else its id or thread."""
    attachments = [name for name in message if name.endswith("~attach") and message[name]]
    if not attachments:
        return [_break_thread]
    if isinstance(message[attachments[0]], dict):
        return [_break_thread, _break_data(attachments[0])]
    return [_break_list(attachments[0]), _break_data(attachments[0]), _break_format]


def _break_thread(message: Json, draw: st.DrawFn) -> None:
    message["~thread"] = draw(
        st.sampled_from([[], "t", 1, {"thid": 1}, {"thid": "\n"}, {"thid": "x" * 500}, {"pthid": {}}])
    )


def _break_list(name: str) -> _Breaker:
    def step(message: Json, draw: st.DrawFn) -> None:
        message[name] = draw(st.sampled_from([None, [], {}, "x", [None], [[]], message[name] * 2, [{"@id": "b"}]]))

    return step


def _break_data(name: str) -> _Breaker:
    def step(message: Json, draw: st.DrawFn) -> None:
        attachment = message[name][0] if isinstance(message[name], list) else message[name]
        encoded = st.sampled_from(_NOT_JSON).map(lambda text: {"base64": text})
        attachment["data"] = draw(st.one_of(encoded, st.sampled_from([None, [], "x", {}, {"json": []}, {"base64": 1}])))

    return step


def _break_format(message: Json, draw: st.DrawFn) -> None:
    known = message["formats"][0]
    others = [None, [], {}, [None], [known, known], [{**known, "format": "indy"}], [{**known, "attach_id": "b"}]]
    message["formats"] = draw(st.sampled_from(others))


def _paths(value: object, at: Path = ()) -> Iterator[Path]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield (*at, name)
        if len(at) < 4:
            yield from _paths(member, (*at, name))


def _put(message: Json, path: Path, draw: st.DrawFn) -> None:
    """Remove what is at a path, or put something else there."""
    holder: Any = message
    for part in path[:-1]:
        holder = holder[part]
    if draw(st.booleans()):
        del holder[path[-1]]
    else:
        holder[path[-1]] = copy.deepcopy(draw(_JUNK))


_OTHERS: Final[tuple[Any, ...]] = (
    *(None, True, 0, -1, 2**70, 1.5, "", "x" * 20_000, "\u0000", "\ud7ff", "zzz", [], {}, [None], {"": ""}, _DEEP),
    *({"@type": 1}, {"data": 1}, {"base64": "="}, {"thid": []}),
)


def spoiled(chance: Random, message: Json) -> Json:
    """Change a good message in one to three places: outside, or inside what is attached to it.

    By chance and not drawn: no two good messages are alike, so hypothesis could not draw the same places again.
    """
    changed = copy.deepcopy(message)
    for _ in range(chance.randint(1, 3)):
        attachments = [name for name in changed if name.endswith("~attach") and _is_whole(changed[name])]
        if attachments and chance.random() < 0.5:
            data = changed[attachments[0]][0]["data"]
            content = json.loads(base64.b64decode(data["base64"]))
            _spoil(content, chance, list(_paths(content)))
            data["base64"] = _b64(json.dumps(content).encode("utf-8", "surrogatepass"))
        elif paths := [path for path in _paths(changed) if path[0] not in ("@type", "@id", "~thread")]:
            _spoil(changed, chance, paths)
    return changed


def _spoil(message: Any, chance: Random, paths: list[Path]) -> None:
    """Remove what is at one of these paths, or put something else there."""
    *way, last = chance.choice(paths)
    for part in way:
        message = message[part]
    if chance.random() < 0.5:
        del message[last]
    else:
        message[last] = copy.deepcopy(chance.choice(_OTHERS))


def _is_whole(attachments: object) -> bool:
    """Tell whether there is something in an attachment that can still be changed inside."""
    try:
        return bool(list(_paths(json.loads(base64.b64decode(attachments[0]["data"]["base64"])))))  # type: ignore[index]
    except (ValueError, TypeError, LookupError):
        return False
