"""`wanderbuch governance`: validate, sign, verify and explain governance files.

Exit codes: 0 yes (no errors, verified, TRUSTED), 1 no (errors, refused, any other verdict), 2 it could not be asked or
checked (an unreadable file, a bad option, an unreachable host), told in one line.
"""

import asyncio
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Never

import typer
from rich.console import Console
from rich.table import Table

from wanderbuch.agents.cli.governance_keys import keys_in_log, keys_online, read_file, signer_from
from wanderbuch.agents.cli.governance_question import Question, parse_instant, parse_question
from wanderbuch.errors import ConfigurationError, GovernanceError
from wanderbuch.governance.decision import Explanation, explain
from wanderbuch.governance.findings import Finding, GovernanceFileError, Severity
from wanderbuch.governance.freshness import FreshnessStatement, sign_freshness, snapshot_of, verify_freshness
from wanderbuch.governance.identifiers import Did, DidUrl
from wanderbuch.governance.jws import KeyResolver, unverified_payload
from wanderbuch.governance.question import GovernanceRef, Reason, Verdict
from wanderbuch.governance.signing import MAX_JWS_BYTES, SignedGovernanceFile, digest_of, sign_file, verify_file
from wanderbuch.governance.snapshot import GovernanceSnapshot
from wanderbuch.governance.validation import MAX_FILE_BYTES, Report, parse_file, validate_file

app = typer.Typer(help="Validate, sign, verify and explain governance files.", no_args_is_help=True)

_NO = 1
_MAX_FRESHNESS_FILE = 64 * 1024

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command("validate")
def validate(
    file: Annotated[Path, typer.Argument(help="Governance file: unsigned JSON, or signed (its payload is looked at).")],
    as_json: JsonOption = False,
) -> None:
    """List every finding: where, which rule, how to fix it. Exit 0 without errors, 1 with errors."""
    report = validate_file(_payload(file))
    if as_json:
        _print_json({"ok": report.file is not None, "findings": [_plain(asdict(each)) for each in report.findings]})
    else:
        _show_report(file, report)
    if report.file is None:
        raise typer.Exit(_NO)


@app.command("sign")
def sign(
    file: Annotated[Path, typer.Argument(help="Governance file as unsigned JSON.")],
    key: Annotated[
        Path,
        typer.Option(
            help="Ed25519 private key, PEM (openssl genpkey -algorithm ed25519 -out key.pem).", metavar="FILE"
        ),
    ],
    kid: Annotated[str, typer.Option(help="DID URL of that key in the author's assertionMethod.", metavar="DID#KEY")],
    out: Annotated[Path, typer.Option(help="Where to write the signed file.", metavar="FILE")],
    freshness_out: Annotated[
        Path | None, typer.Option(help="Also write a freshness statement for it.", metavar="FILE")
    ] = None,
    lifetime_hours: Annotated[int, typer.Option(help="How long that statement lasts.", min=1, max=168)] = 24,
    as_json: JsonOption = False,
) -> None:
    """Sign a governance file with a key file. An authority agent does the same with a key in its wallet."""
    payload = read_file(file, max_bytes=MAX_FILE_BYTES)
    key_url, signer = DidUrl.parse(kid), signer_from(key)
    try:
        jws = asyncio.run(sign_file(payload, key_url, signer))
    except GovernanceError as err:
        _refused(err, as_json=as_json)
    signed = parse_file(payload)
    ref = GovernanceRef(signed.id, signed.version, digest_of(jws))
    _write(out, jws)
    if freshness_out is not None:
        lifetime = timedelta(hours=lifetime_hours)
        statement = FreshnessStatement.for_file(ref, at=datetime.now(UTC), lifetime=lifetime)
        _write(freshness_out, asyncio.run(sign_freshness(statement, key_url, signer)))
    if as_json:
        _print_json({"ok": True, **asdict(ref), "kid": kid, "file": str(out)})
    else:
        _console().print(f"Signed version {ref.version} of {signed.name}: {out}\n{ref.digest}")


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="Signed governance file.")],
    author: Annotated[str | None, typer.Option(help="DID that must have signed; without it, anyone may.")] = None,
    did_log: Annotated[
        Path | None,
        typer.Option(help="The author's did.jsonl; without it, the author's host is asked.", metavar="FILE"),
    ] = None,
    freshness: Annotated[Path | None, typer.Option(help="Also check this freshness statement.", metavar="FILE")] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="Certificate authorities to trust instead of the system's.", metavar="FILE")
    ] = None,
    connect: Annotated[
        list[str] | None, typer.Option(help="Reach HOST:PORT at another address.", metavar="HOST:PORT=ADDRESS:PORT")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check who signed a governance file, and whether a freshness statement vouches for it now."""
    jws = read_file(file, max_bytes=MAX_JWS_BYTES)
    statement = None if freshness is None else read_file(freshness, max_bytes=_MAX_FRESHNESS_FILE)
    pinned = None if author is None else Did.parse(author)
    now = datetime.now(UTC)
    try:
        signed, snapshot = asyncio.run(_verify(jws, statement, pinned, did_log, ca_file, tuple(connect or ()), now))
    except GovernanceError as err:
        _refused(err, as_json=as_json)
    fresh = None if statement is None else snapshot.is_fresh(now)
    _show_verified(signed, snapshot, pinned, fresh, as_json=as_json)
    if fresh is False:
        raise typer.Exit(_NO)


@app.command("explain")
def explain_question(
    file: Annotated[
        Path, typer.Argument(help="Governance file, unsigned or signed. Its signature is not checked here.")
    ],
    issuer: Annotated[str, typer.Option(help="DID of the issuer, or a part of its name in the file.")],
    occupation: Annotated[str, typer.Option(help="ISCO-08 code, such as C7212.")],
    jurisdiction: Annotated[str, typer.Option(help="Where it must count, such as MLT.")],
    awarded: Annotated[str, typer.Option(help="Day or year of the award: 2024-05-01 or 2024.")],
    level: Annotated[int | None, typer.Option(help="Proven: EQF level this or more.", min=1, max=8)] = None,
    framework: Annotated[
        str | None, typer.Option(help="Framework of the level; by default the accreditation's.")
    ] = None,
    crosswalk: Annotated[
        str | None, typer.Option(help="Its version; by default the one in force at the award.")
    ] = None,
    cred_def: Annotated[
        str | None, typer.Option(help="Credential definition; by default the issuer's only one.")
    ] = None,
    credential_type: Annotated[str, typer.Option(help="Credential type.")] = "qualification/1.0",
    registry: Annotated[
        str | None, typer.Option(help="Revocation registry from which non-revocation is proven.")
    ] = None,
    expires_on: Annotated[str | None, typer.Option(help="Last day of validity.")] = None,
    at: Annotated[str | None, typer.Option(help="Instant of the decision; by default now.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show step by step how the file answers a question, as if it were signed and fresh. Exit 0 if TRUSTED, else 1."""
    try:
        parsed = parse_file(_payload(file))
    except GovernanceFileError as err:
        _refused(err, as_json=as_json)
    question = Question(
        issuer, occupation, jurisdiction, level, awarded, framework, crosswalk, cred_def, credential_type, registry,
        expires_on,
    )  # fmt: skip
    requirement, evidence = parse_question(question, parsed)
    instant = datetime.now(UTC) if at is None else parse_instant(at)
    note = Reason("explain.unchecked", "Signature and freshness were not checked; this explains the content alone.")
    snapshot = GovernanceSnapshot(parsed, "unsigned", datetime.max.replace(tzinfo=UTC), (note,))
    explanation = explain(requirement, evidence, snapshot, at=instant)
    if as_json:
        _print_json(_explanation_document(explanation))
    else:
        _show_explanation(explanation)
    if explanation.decision.verdict is not Verdict.TRUSTED:
        raise typer.Exit(_NO)


async def _verify(
    jws: bytes,
    statement: bytes | None,
    author: Did | None,
    did_log: Path | None,
    ca_file: Path | None,
    connect: tuple[str, ...],
    at: datetime,
) -> tuple[SignedGovernanceFile, GovernanceSnapshot]:
    async def check(resolve_key: KeyResolver) -> tuple[SignedGovernanceFile, GovernanceSnapshot]:
        signed = await verify_file(jws, author=author, resolve_key=resolve_key)
        if statement is None:
            return signed, snapshot_of(signed, None)
        vouched = await verify_freshness(statement, author=signed.file.author, resolve_key=resolve_key, at=at)
        return signed, snapshot_of(signed, vouched)

    if did_log is not None:
        return await check(keys_in_log(did_log))
    async with keys_online(ca_file=ca_file, connect=connect) as resolve_key:
        return await check(resolve_key)


def _payload(path: Path) -> bytes:
    """Return the unsigned JSON in a file; of a signed file its payload, unverified."""
    found = read_file(path, max_bytes=MAX_JWS_BYTES)
    return found if found.lstrip()[:1] == b"{" or found.count(b".") != 2 else unverified_payload(found)


def _write(path: Path, content: bytes) -> None:
    """Write a file so that it is there in full or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except OSError as err:
        draft.unlink(missing_ok=True)
        raise ConfigurationError(f"can not write {path}: {err.strerror}") from err


def _refused(err: GovernanceError, *, as_json: bool) -> Never:
    """Show what was checked and refused, and end with exit code 1."""
    findings: Sequence[Finding] = err.findings if isinstance(err, GovernanceFileError) else ()
    if as_json:
        error = {"code": err.code, "message": err.message, "hint": err.hint}
        _print_json({"ok": False, "error": error, "findings": [_plain(asdict(each)) for each in findings]})
    else:
        console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
        console.print(f"wanderbuch: {err.message}{f' ({err.hint})' if err.hint else ''}")
        for finding in findings:
            console.print(f"  {finding}")
    raise typer.Exit(_NO)


def _show_report(path: Path, report: Report) -> None:
    console = _console()
    for finding in report.findings:
        mark = "error  " if finding.severity is Severity.ERROR else "warning"
        console.print(
            f"{mark} {finding.path or '/'}\n        {finding.message} [{finding.rule}]\n        → {finding.fix}"
        )
    errors, warnings = len(report.errors), len(report.warnings)
    console.print(f"{path}: {errors} error(s), {warnings} warning(s)")
    if report.file is not None:
        file = report.file
        console.print(
            f"version {file.version} of {file.name}: {len(file.participants)} participants, "
            f"{len(file.accreditations)} accreditations, {len(file.crosswalks)} crosswalks"
        )


def _show_verified(
    signed: SignedGovernanceFile, snapshot: GovernanceSnapshot, pinned: Did | None, fresh: bool | None, *, as_json: bool
) -> None:
    notes = [each.text for each in snapshot.notes]
    if as_json:
        until = None if snapshot.fresh_until is None else snapshot.fresh_until.isoformat()
        document = {"ok": fresh is not False, **asdict(signed.ref), "author": signed.file.author, "kid": signed.kid}
        _print_json(
            {**document, "author_pinned": pinned is not None, "fresh": fresh, "fresh_until": until, "notes": notes}
        )
        return
    console = _console()
    console.print(f"Signed by {signed.kid}\nVersion {signed.file.version} of {signed.file.name}\n{signed.digest}")
    if pinned is None:
        console.print("Nobody was pinned with --author: this says who signed, not that they are the right authority.")
    if fresh is not None:
        until = f" until {snapshot.fresh_until:%Y-%m-%d %H:%M} UTC" if snapshot.fresh_until else ""
        console.print(f"{'FRESH' if fresh else 'STALE'}{until}")
    for note in notes:
        console.print(note)


def _show_explanation(explanation: Explanation) -> None:
    table = Table("", "Rule", "Outcome", box=None, pad_edge=False)
    for step in explanation.steps:
        outcome = "yes" if step.failure is None else f"no: {step.failure.text}"
        table.add_row(str(step.number), step.title, outcome)
    console = _console()
    console.print(table)
    console.print(f"\n{explanation.decision.verdict.value}")
    for reason in explanation.decision.reasons:
        console.print(f"{reason.text} [{reason.code}]")


def _explanation_document(explanation: Explanation) -> dict[str, Any]:
    decision = explanation.decision
    return {
        "verdict": decision.verdict.value,
        "reasons": [asdict(each) for each in decision.reasons],
        "steps": [
            {"rule": each.number, "title": each.title, "ok": each.failure is None}
            | ({} if each.failure is None else {"failure": asdict(each.failure)})
            for each in explanation.steps
        ],
        "decided_at": decision.decided_at.isoformat(),
    }


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value.value if isinstance(value, Enum) else value for name, value in document.items()}


def _print_json(document: dict[str, Any]) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def _console() -> Console:
    return Console(highlight=False, markup=False, soft_wrap=True)
