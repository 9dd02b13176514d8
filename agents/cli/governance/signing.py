"""`wanderbuch governance sign` and `verify`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import asdict

from wanderbuch.agents.cli.governance.files import governance_file_in, is_signed
from wanderbuch.agents.cli.governance.keys import keys_in_logs, keys_online, read_file, signer_from
from wanderbuch.agents.cli.governance.output import NO, JsonOption, console, print_json, refused, write_file
from wanderbuch.errors import ConfigurationError, GovernanceError
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did, DidUrl
from wanderbuch.governance.facts.question import GovernanceRef
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.governance.signed.freshness import (
    MAX_FRESHNESS_BYTES,
    FreshnessStatement,
    sign_freshness,
    snapshot_of,
    verify_freshness,
)
from wanderbuch.governance.signed.jws import KeyResolver, unverified_payload
from wanderbuch.governance.signed.signing import (
    MAX_JWS_BYTES,
    SignedGovernanceFile,
    co_sign,
    digest_of,
    sign_as_party,
    sign_file,
    verify_file,
)

KeyOption = Annotated[
    Path,
    typer.Option(help="Ed25519 private key, PEM (openssl genpkey -algorithm ed25519 -out key.pem).", metavar="FILE"),
]
KidOption = Annotated[str, typer.Option(help="DID URL of that key in its owner's assertionMethod.", metavar="DID#KEY")]
LifetimeOption = Annotated[int, typer.Option(help="How long a freshness statement lasts.", min=1, max=168)]
AuthorOption = Annotated[str | None, typer.Option(help="DID that must have signed; without it, anyone may.")]
DidLogOption = Annotated[
    list[Path] | None,
    typer.Option(help="A signer's did.jsonl; once for each signer. Without it, their hosts are asked.", metavar="FILE"),
]
CaFileOption = Annotated[
    Path | None, typer.Option(help="Certificate authorities to trust instead of the system's.", metavar="FILE")
]
ConnectOption = Annotated[
    list[str] | None, typer.Option(help="Reach HOST:PORT at another address.", metavar="HOST:PORT=ADDRESS:PORT")
]
PreviousOption = Annotated[
    Path | None,
    typer.Option(help="The version before: its parties and threshold count too.", metavar="FILE"),
]


def sign(
    file: Annotated[Path, typer.Argument(help="Governance file as unsigned JSON; with --add, also a signed one.")],
    key: KeyOption,
    kid: KidOption,
    out: Annotated[Path, typer.Option(help="Where to write the signed file.", metavar="FILE")],
    add: Annotated[
        bool, typer.Option("--add", help="Sign as one of several parties: add this signature to those there are.")
    ] = False,
    previous: PreviousOption = None,
    freshness_out: Annotated[
        Path | None, typer.Option(help="Also write a freshness statement for it.", metavar="FILE")
    ] = None,
    lifetime_hours: LifetimeOption = 24,
    as_json: JsonOption = False,
) -> None:
    """Sign a governance file with a key file. An authority agent does the same with a key in its wallet."""
    received = read_file(file, max_bytes=MAX_JWS_BYTES)
    key_url, signer = DidUrl.parse(kid), signer_from(key)
    signed_before = is_signed(received)
    if signed_before and not add:
        raise ConfigurationError(f"{file} is signed already", hint="--add adds a further party's signature")
    try:
        before = None if previous is None else governance_file_in(previous)
        if signed_before:
            jws = asyncio.run(co_sign(received, key_url, signer, previous=before))
        elif add:
            jws = asyncio.run(sign_as_party(received, key_url, signer, previous=before))
        else:
            jws = asyncio.run(sign_file(received, key_url, signer))
    except GovernanceError as err:
        refused(err, as_json=as_json)
    signed = parse_file(unverified_payload(jws))
    ref = GovernanceRef(signed.id, signed.version, digest_of(jws))
    if freshness_out is not None and key_url.did != signed.author:
        raise ConfigurationError("a freshness statement is the author's own", hint="leave out --freshness-out")
    write_file(out, jws, is_public=True)
    if freshness_out is not None:
        lifetime = timedelta(hours=lifetime_hours)
        statement = FreshnessStatement.for_file(ref, at=datetime.now(UTC), lifetime=lifetime)
        write_file(freshness_out, asyncio.run(sign_freshness(statement, key_url, signer)), is_public=True)
    if as_json:
        print_json({"ok": True, **asdict(ref), "kid": kid, "file": str(out)})
    else:
        console().print(f"Signed version {ref.version} of {signed.name}: {out}\n{ref.digest}")


def verify(
    file: Annotated[Path, typer.Argument(help="Signed governance file.")],
    author: AuthorOption = None,
    did_log: DidLogOption = None,
    freshness: Annotated[Path | None, typer.Option(help="Also check this freshness statement.", metavar="FILE")] = None,
    previous: PreviousOption = None,
    ca_file: CaFileOption = None,
    connect: ConnectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check who signed a governance file, and whether a freshness statement vouches for it now."""
    jws = read_file(file, max_bytes=MAX_JWS_BYTES)
    statement = None if freshness is None else read_file(freshness, max_bytes=MAX_FRESHNESS_BYTES)
    pinned = None if author is None else Did.parse(author)
    now = datetime.now(UTC)

    async def check() -> tuple[SignedGovernanceFile, GovernanceSnapshot]:
        async with keys_from(did_log, ca_file=ca_file, connect=connect) as resolve_key:
            return await verified(jws, statement, author=pinned, resolve_key=resolve_key, previous=before, at=now)

    try:
        before = None if previous is None else governance_file_in(previous)
        signed, snapshot = asyncio.run(check())
    except GovernanceError as err:
        refused(err, as_json=as_json)
    fresh = None if statement is None else snapshot.is_fresh(now)
    _show_verified(signed, snapshot, pinned, fresh, as_json=as_json)
    if fresh is False:
        raise typer.Exit(NO)


async def verified(
    jws: bytes,
    statement: bytes | None,
    *,
    author: Did | None,
    resolve_key: KeyResolver,
    at: datetime,
    previous: GovernanceFile | None = None,
) -> tuple[SignedGovernanceFile, GovernanceSnapshot]:
    """Return a signed file after all checks, with what its freshness statement says of it."""
    signed = await verify_file(jws, author=author, resolve_key=resolve_key, previous=previous)
    if statement is None:
        return signed, snapshot_of(signed, None)
    vouched = await verify_freshness(statement, author=signed.file.author, resolve_key=resolve_key, at=at)
    return signed, snapshot_of(signed, vouched)


@asynccontextmanager
async def keys_from(
    did_logs: list[Path] | None, *, ca_file: Path | None, connect: list[str] | None
) -> AsyncIterator[KeyResolver]:
    """Give a resolver of keys: from the logs the user named, else from the signers' hosts."""
    if did_logs:
        yield keys_in_logs(tuple(did_logs))
        return
    async with keys_online(ca_file=ca_file, connect=tuple(connect or ())) as resolve_key:
        yield resolve_key


def _show_verified(
    signed: SignedGovernanceFile, snapshot: GovernanceSnapshot, pinned: Did | None, fresh: bool | None, *, as_json: bool
) -> None:
    notes = [reason.text for reason in snapshot.notes]
    if as_json:
        until = None if snapshot.fresh_until is None else snapshot.fresh_until.isoformat()
        document = {"ok": fresh is not False, **asdict(signed.ref), "author": signed.file.author, "kid": signed.kid}
        document |= {"signers": list(signed.signers), "author_pinned": pinned is not None}
        print_json({**document, "fresh": fresh, "fresh_until": until, "notes": notes})
        return
    to = console()
    to.print(f"Signed by {signed.kid}\nVersion {signed.file.version} of {signed.file.name}\n{signed.digest}")
    for did in signed.signers[1:]:
        to.print(f"Signed by {did} ({signed.file.participant_name(did) or 'not named in the file'})")
    if pinned is None:
        to.print("Nobody was pinned with --author: this says who signed, not that they are the right authority.")
    if fresh is not None:
        until = f" until {snapshot.fresh_until:%Y-%m-%d %H:%M} UTC" if snapshot.fresh_until else ""
        to.print(f"{'FRESH' if fresh else 'STALE'}{until}")
    for note in notes:
        to.print(note)
