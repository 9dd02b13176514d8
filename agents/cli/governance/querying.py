"""`wanderbuch governance query`: one question, one answer, from a file, a folder, a URL, a bundle or a TRQP service.

Whatever is asked, the author is pinned and the file is verified; only an unsigned file is taken as it is, and the
answer says so. Exit codes: 0 TRUSTED, 1 NOT_TRUSTED, 2 UNKNOWN or STALE (it could not be answered from what is there).
"""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from wanderbuch.agents.cli.governance.asking import (
    JurisdictionOption,
    OccupationOption,
    PurposeOption,
    RecognisedOption,
    decision_document,
    show_decision,
    unchecked_snapshot,
)
from wanderbuch.agents.cli.governance.files import governance_file_in, governance_file_of, is_signed, parts_in
from wanderbuch.agents.cli.governance.keys import DEVICE, STANDARD_INPUT, read_file
from wanderbuch.agents.cli.governance.network import edge_for
from wanderbuch.agents.cli.governance.output import JsonOption, console, print_json, refused
from wanderbuch.agents.cli.governance.question import (
    country_in,
    find_participant,
    is_day,
    parse_day,
    parse_instant,
)
from wanderbuch.agents.cli.governance.signing import CaFileOption, ConnectOption, DidLogOption, keys_from, verified
from wanderbuch.agents.cli.terminal_text import one_line
from wanderbuch.errors import ConfigurationError, GovernanceError
from wanderbuch.governance.deciding.standing import standing
from wanderbuch.governance.divided.bulk import load_divided
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import Purpose, TrustDecision, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.signed.freshness import MAX_FRESHNESS_BYTES
from wanderbuch.governance.signed.signing import MAX_JWS_BYTES
from wanderbuch.schemas.occupation_titles import find_occupation
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_EXIT = {Verdict.TRUSTED: 0, Verdict.NOT_TRUSTED: 1, Verdict.UNKNOWN: 2, Verdict.STALE: 2}
_MAX_ANSWER = 64 * 1024
_MAX_DEPTH = 8
_TIMEOUT_S = 30.0
_MAX_MESSAGE = 500


def query(
    source: Annotated[
        str | None, typer.Argument(help="Governance file, folder of published files, or https address of one.")
    ] = None,
    *,
    issuer: Annotated[str, typer.Option(help="DID of the issuer, or a part of its name in the file.")],
    occupation: OccupationOption,
    jurisdiction: JurisdictionOption,
    level: Annotated[int | None, typer.Option(help="EQF level this or more.", min=1, max=8)] = None,
    on: Annotated[str | None, typer.Option(help="Day of the award as it is written; by default now.")] = None,
    purpose: PurposeOption = Purpose.EMPLOYMENT,
    credential_type: Annotated[str, typer.Option(help="Credential type.")] = "qualification/1.0",
    author: Annotated[str | None, typer.Option(help="DID of the authority that must have signed.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Ask a bundle, without any network.", metavar="FILE")] = None,
    trqp: Annotated[
        str | None, typer.Option(help="Ask a TRQP 2.0 service instead; it learns what you ask.", metavar="URL")
    ] = None,
    freshness: Annotated[
        Path | None, typer.Option(help="Freshness statement of a signed file; of a folder, its own.", metavar="FILE")
    ] = None,
    parts: Annotated[Path | None, typer.Option(help="Where the parts of a divided file lie.", metavar="DIR")] = None,
    recognised: RecognisedOption = None,
    did_log: DidLogOption = None,
    at: Annotated[str | None, typer.Option(help="Instant of the decision; by default now.")] = None,
    ca_file: CaFileOption = None,
    connect: ConnectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask whether an issuer counts for an occupation, at a level, in a place, for an award of a day."""
    if sum(choice is not None for choice in (source, bundle, trqp)) != 1:
        raise ConfigurationError("say what to ask: a file, folder or address, or --bundle FILE, or --trqp URL")
    pinned = None if author is None else Did.parse(author)
    now = datetime.now(UTC) if at is None else parse_instant(at)
    jurisdiction = country_in(jurisdiction)
    code = find_occupation(occupation)
    written = at if on is None and at is not None and is_day(at) else on
    awarded = None if written is None else parse_day("--on", written)
    try:
        if trqp is not None:
            resource = f"occupation={code};place={jurisdiction}{'' if level is None else f';eqf={level}'}"
            resource += f";type={credential_type};purpose={purpose.value}"
            if awarded is not None:
                resource += f";awarded={awarded}"
            time = None if at is None or awarded is not None else now
            _ask_trqp(trqp, _needed(pinned), issuer, resource, time, ca_file, connect, as_json=as_json)
        if bundle is not None:
            snapshot, as_of = _of_bundle(bundle, _needed(pinned), now)
        else:
            snapshot = _snapshot(
                str(source), pinned, freshness, parts, recognised or [], did_log, ca_file, connect, now
            )
            as_of = None
    except GovernanceError as err:
        refused(err, as_json=as_json)
    others = tuple(governance_snapshot.file for governance_snapshot in snapshot.recognised.values())
    did = find_participant(issuer, snapshot.file, others)

    def answer(instant: datetime) -> TrustDecision:
        return standing(
            snapshot, issuer=did, occupation=code, jurisdiction=jurisdiction, at=instant, on=awarded or now,
            eqf_level=level, credential_type=credential_type, purpose=purpose,
        )  # fmt: skip

    decision = answer(now)
    if as_of is not None:
        from wanderbuch.plugins.trust.age import with_age

        decision = with_age(decision, answer(as_of), as_of=as_of, now=now)
    if as_json:
        print_json({**decision_document(decision), "issuer": did, "name": snapshot.file.participant_name(did)})
    else:
        show_decision(decision)
    raise typer.Exit(_EXIT[decision.verdict])


def _needed(author: Did | None) -> Did:
    if author is None:
        raise ConfigurationError("whose word is asked for must be said", hint="--author DID")
    return author


def _snapshot(
    source: str,
    author: Did | None,
    freshness: Path | None,
    parts: Path | None,
    recognised: list[Path],
    did_log: list[Path] | None,
    ca_file: Path | None,
    connect: list[str] | None,
    at: datetime,
) -> GovernanceSnapshot:
    if source.startswith(("https://", "http://")):
        return asyncio.run(_fetched(source.removesuffix("/current.jws").rstrip("/"), _needed(author), ca_file, connect))
    path = Path(source)
    if path.is_dir():
        path, freshness, parts = path / "current.jws", freshness or path / "freshness.jws", parts or path / "parts"
    received = read_file(path, max_bytes=MAX_JWS_BYTES)
    if not is_signed(received):
        return unchecked_snapshot(
            governance_file_of(received, parts or path.parent / "parts"),
            tuple(governance_file_in(path) for path in recognised),
        )
    statement = None
    if freshness is not None and freshness.exists():
        statement = read_file(freshness, max_bytes=MAX_FRESHNESS_BYTES)

    async def check() -> GovernanceSnapshot:
        async with keys_from(did_log, ca_file=ca_file, connect=connect) as resolve_key:
            signed, governance_snapshot = await verified(
                received, statement, author=_needed(author), resolve_key=resolve_key, at=at
            )
        if signed.file.division is None:
            return governance_snapshot
        return replace(governance_snapshot, file=load_divided(signed, parts_in(parts or path.parent / "parts")))

    return asyncio.run(check())


async def _fetched(url: str, author: Did, ca_file: Path | None, connect: list[str] | None) -> GovernanceSnapshot:
    """Return what a consumer's agent would rest on: verified, with the authorities that it leads to."""
    from wanderbuch.plugins.trust.following.source import GovernanceSource, GovernanceSourceConfig
    from wanderbuch.plugins.webvh.documents import WebvhDocuments
    from wanderbuch.plugins.webvh.memory import InMemoryLogMemory

    async with edge_for(ca_file, connect) as edge:
        documents = WebvhDocuments(edge, InMemoryLogMemory())
        source = GovernanceSource(
            GovernanceSourceConfig(url=url, author=author), edge=edge, resolve_key=documents.assertion_key
        )
        report = await source.refresh()
        snapshot = source.snapshot()
    if snapshot is None:
        why = "; ".join(reason.text for reason in report.reasons)
        raise ConfigurationError(f"no governance file of {author} could be had from {url}: {why}")
    return snapshot


def _of_bundle(path: Path, author: Did, at: datetime) -> tuple[GovernanceSnapshot, datetime]:
    from wanderbuch.plugins.trust.offline.bundling import open_bundle

    # A bundle is read whole, so a pipe does as well.
    facts = asyncio.run(open_bundle(DEVICE if path == STANDARD_INPUT else path, author=author, now=at))
    return facts.snapshot, facts.as_of


def _ask_trqp(
    url: str,
    author: Did,
    issuer: str,
    resource: str,
    time: datetime | None,
    ca_file: Path | None,
    connect: list[str] | None,
    *,
    as_json: bool,
) -> None:
    """Ask a service, show its answer and end: it is the service's word, over TLS, without a signature."""
    body: dict[str, Any] = {
        "entity_id": Did.parse(issuer),
        "authority_id": author,
        "action": "issue",
        "resource": resource,
        "context": {} if time is None else {"time": f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"},
    }

    async def ask() -> bytes:
        async with edge_for(ca_file, connect) as edge:
            answered = await edge.post(
                f"{url.rstrip('/')}/authorization",
                json.dumps(body).encode(),
                content_type="application/json",
                max_bytes=_MAX_ANSWER,
                timeout_s=_TIMEOUT_S,
            )
            return answered.body

    try:
        answer = read_strict_json(asyncio.run(ask()), max_bytes=_MAX_ANSWER, max_depth=_MAX_DEPTH, fractions=True)
    except StrictJsonError as err:
        raise ConfigurationError(f"expected a TRQP answer from {url}, found something else: {err.message}") from err
    if not isinstance(answer, dict) or not isinstance(answer.get("authorized"), bool):
        raise ConfigurationError(f"expected a TRQP answer from {url}, found something else")
    if any(answer.get(name) != body[name] for name in ("entity_id", "authority_id", "action", "resource")):
        raise ConfigurationError(f"expected the answer to this question from {url}, found one to another")
    if as_json:
        print_json({"service": url, "answer": answer})
    else:
        told = "yes" if answer["authorized"] else "no"
        console().print(f"{url} answers {told}: {_plain(answer.get('message')) or 'without a reason'}")
        console().print("This is the service's word; it is not signed. Verify the file to be sure.")
    verdict = answer.get("context", {}).get("verdict") if isinstance(answer.get("context"), dict) else None
    raise typer.Exit(0 if answer["authorized"] else 2 if verdict in ("STALE", "UNKNOWN") else 1)


def _plain(text: object) -> str:
    """Return a stranger's text for a terminal: one short line, without characters that steer it or turn the writing."""
    if not isinstance(text, str):
        return ""
    spaced = " ".join(text[: 2 * _MAX_MESSAGE].split())
    shown = one_line(spaced)
    return shown if len(shown) <= _MAX_MESSAGE else f"{shown[:_MAX_MESSAGE]}…"
