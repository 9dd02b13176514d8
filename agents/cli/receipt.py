"""`wanderbuch receipt …`: check the receipt of a decision that somebody shows.

    wanderbuch receipt verify receipt.jws
    wanderbuch receipt verify receipt.jws --log did.jsonl        # without a network, by a log that lies here

Exit codes: 0 it is good, 1 it is forged or altered, 2 it could not be checked, which is no refusal.
"""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wanderbuch.agents.cli.governance.keys import read_file
from wanderbuch.agents.cli.governance.network import edge_for
from wanderbuch.agents.cli.terminal_text import one_line
from wanderbuch.agents.cli.wrapped_text import unwrapped
from wanderbuch.errors import ConfigurationError

if TYPE_CHECKING:
    from wanderbuch.plugins.trust.receipts.receipt import ReceiptCredential
    from wanderbuch.plugins.trust.receipts.verifying_receipts import DidLog, VerifiedReceipt

app = typer.Typer(no_args_is_help=True)

_EXIT_NO = 1
_MAX_BYTES = 1024 * 1024


@app.callback()
def _about() -> None:
    """Check receipts."""


@app.command("verify", help="Check a receipt against the log of the verifier's DID.")
def verify(
    receipt: Annotated[
        Path, typer.Argument(help="A file with the receipt, as text or as the REST API gives it; - for standard input.")
    ],
    log: Annotated[
        Path | None,
        typer.Option("--log", help="The verifier's did.jsonl, to use no network.", show_default=False),
    ] = None,
    witness: Annotated[
        Path | None, typer.Option("--witness", help="Its did-witness.json, if it has witnesses.", show_default=False)
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option("--ca-file", help="Trust these certificate authorities.", show_default=False)
    ] = None,
    connect: Annotated[
        list[str] | None,
        typer.Option("--connect", help="host:port=address:port; may be given again.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check a receipt."""
    from wanderbuch.plugins.trust.receipts.receipt import ReceiptError
    from wanderbuch.plugins.trust.receipts.verifying_receipts import unverified_verifier, verify_receipt
    from wanderbuch.plugins.webvh.errors import LogError

    if witness is not None and log is None:
        raise ConfigurationError("--witness goes with --log", hint="give both files, or neither")
    text = unwrapped(read_file(receipt, max_bytes=_MAX_BYTES), "receipt")
    try:
        did = unverified_verifier(text)
        did_log = _log_in(log, witness) if log is not None else asyncio.run(_fetched(did, ca_file, connect))
        verified = verify_receipt(text, did_log, at=datetime.now(UTC))
    except (ReceiptError, LogError) as err:
        _tell_refusal(err.code, err.message, as_json=as_json)
        raise typer.Exit(_EXIT_NO) from err
    if as_json:
        print(json.dumps(_as_json(verified)))  # noqa: T201
        return
    for line in _lines(verified):
        typer.echo(one_line(line))


def _log_in(log: Path, witness: Path | None) -> "DidLog":
    from wanderbuch.plugins.trust.receipts.verifying_receipts import DidLog

    proofs = None if witness is None else read_file(witness, max_bytes=_MAX_BYTES)
    return DidLog(read_file(log, max_bytes=_MAX_BYTES), proofs)


async def _fetched(did: Any, ca_file: Path | None, connect: list[str] | None) -> "DidLog":
    from wanderbuch.plugins.trust.receipts.verifying_receipts import fetch_log

    async with edge_for(ca_file, connect) as edge:
        return await fetch_log(edge, did)


def _lines(verified: "VerifiedReceipt") -> list[str]:
    receipt, time = verified.receipt, verified.key_time
    asked, decided = receipt.asked, receipt.decided
    lines = [
        f"Good: {receipt.verifier.name} ({receipt.verifier.did}) signed this receipt.",
        f"Signed   {receipt.issued_at:%Y-%m-%d %H:%M} UTC with {verified.kid.partition('#')[2]}",
        f"Asked    {asked.asked_at:%Y-%m-%d %H:%M} UTC",
        *(f"  {_asked_line(one)}" for one in asked.credentials),
        f"Decided  {decided.verdict.value}, for {decided.holds_on} ({', '.join(decided.reasons)})",
    ]
    lines += [
        f"  {f'{fact.part} {fact.kind.value}'.strip():<28} {fact.outcome.value.replace('_', ' ')}"
        for fact in decided.facts_today
    ]
    if decided.governance is not None:
        lines.append(f"Rests on {decided.governance.id}, version {decided.governance.version}")
    if time.until is not None:
        lines.append(f"Note: that key counted until {time.until:%Y-%m-%d %H:%M} UTC; only its date says it is older.")
    if verified.is_deactivated:
        lines.append("Note: the verifier has given up this DID since.")
    return lines


def _asked_line(one: "ReceiptCredential") -> str:
    reached = [
        f"EQF level {one.min_eqf_level} or more" if one.min_eqf_level is not None else "",
        f"CEFR level {one.min_cefr_level} or more" if one.min_cefr_level is not None else "",
        f"{one.min_months} months or more" if one.min_months is not None else "",
        f"not before {one.not_before}" if one.not_before is not None else "",
    ]
    told = ", ".join(part for part in reached if part) or "any level"
    return f"{one.credential_type}: {one.occupation}, {told}, counts in {one.jurisdiction}, for {one.purpose.value}"


def _as_json(verified: "VerifiedReceipt") -> dict[str, Any]:
    time = verified.key_time
    return {
        "good": True,
        "key": str(verified.kid),
        "key_since": time.since.isoformat(),
        "key_until": None if time.until is None else time.until.isoformat(),
        "deactivated": verified.is_deactivated,
        "receipt": verified.receipt.model_dump(mode="json"),
    }


def _tell_refusal(code: str, message: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"good": False, "code": code, "detail": message}))  # noqa: T201
    else:
        typer.echo(one_line(f"Refused: {message}"), err=True)
