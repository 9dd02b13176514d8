"""`wanderbuch governance export`: the file in other formats, with a report of what they cannot say."""

import asyncio
import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from wanderbuch.agents.cli.governance.files import governance_file_in
from wanderbuch.agents.cli.governance.keys import signer_from
from wanderbuch.agents.cli.governance.output import JsonOption, console, json_bytes, print_json, refused, write_new_file
from wanderbuch.errors import ConfigurationError, GovernanceError
from wanderbuch.governance.exporting.csv_list import csv_list
from wanderbuch.governance.exporting.data_integrity import with_proof
from wanderbuch.governance.exporting.ebsi import ebsi_issuers
from wanderbuch.governance.exporting.export import Export, Loss
from wanderbuch.governance.exporting.lote import list_of_trusted_entities
from wanderbuch.governance.exporting.recognized_entities import recognized_entity_credential
from wanderbuch.governance.exporting.relying_parties import relying_parties
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import DidUrl


class Format(Enum):
    """What a file can be exported as."""

    CSV = "csv"
    W3C = "w3c"
    EBSI = "ebsi"
    ETSI = "etsi"
    TS5 = "ts5"


def export(
    file: Annotated[Path, typer.Argument(help="Governance file, signed or not. Its signature is not checked here.")],
    to: Annotated[
        Format,
        typer.Option(
            help="csv: a list that import reads back; w3c: RecognizedEntityCredential; ebsi: Trusted Issuers Registry; "
            "etsi: TS 119 602 List of Trusted Entities; ts5: relying parties of EUDI TS5."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Where to write it; without it, standard output.", metavar="FILE")
    ] = None,
    valid_days: Annotated[
        int, typer.Option(help="How long readers may rely on a w3c or etsi export.", min=1, max=183)
    ] = 7,
    key: Annotated[Path | None, typer.Option(help="w3c: sign with this Ed25519 key (PEM).", metavar="FILE")] = None,
    kid: Annotated[str | None, typer.Option(help="w3c: DID URL of that key.", metavar="DID#KEY")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite --out.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the file in another format; what the format cannot say is reported."""
    if (key is None) != (kid is None) or (key is not None and to is not Format.W3C):
        raise ConfigurationError("--key and --kid go together, and only a w3c export is signed")
    try:
        governance = governance_file_in(file)
    except GovernanceError as err:
        refused(err, as_json=as_json)
    now = datetime.now(UTC)
    made = _made(governance, to, now, timedelta(days=valid_days))
    if key is not None and kid is not None:
        made = _signed(made, governance, key, kid, now)
    if out is not None:
        write_new_file(out, made.content, force=force, is_public=True)
    if as_json:
        text = None if out is not None else made.content.decode("utf-8-sig")
        losses = [asdict(loss) for loss in made.losses]
        written = None if out is None else str(out)
        print_json({"ok": True, "format": to.value, "file": written, "content": text, "losses": losses})
        return
    if out is None:
        typer.echo(made.content.decode(), nl=False)
    _show_losses(made.losses)


def _made(file: GovernanceFile, to: Format, at: datetime, lifetime: timedelta) -> Export:
    match to:
        case Format.CSV:
            return csv_list(file)
        case Format.W3C:
            return recognized_entity_credential(file, at=at, lifetime=lifetime)
        case Format.EBSI:
            return ebsi_issuers(file)
        case Format.ETSI:
            return list_of_trusted_entities(file, at=at, next_update=lifetime)
        case Format.TS5:
            return relying_parties(file)


def _signed(made: Export, file: GovernanceFile, key: Path, kid: str, at: datetime) -> Export:
    key_url = DidUrl.parse(kid)
    if key_url.did != file.author:
        raise ConfigurationError(f"expected a key of the author {file.author}, found a key of {key_url.did}")
    document = json.loads(made.content)
    return replace(made, content=json_bytes(asyncio.run(with_proof(document, key_url, signer_from(key), at=at))))


def _show_losses(losses: tuple[Loss, ...]) -> None:
    to = console(stderr=True)
    for lost in losses:
        mark = "lost, and wider than the file:" if lost.widens else "lost:"
        to.print(f"{mark} {lost.text} [{lost.code}]")
    if any(loss.widens for loss in losses):
        to.print("A reader of this export alone could trust more than the governance file allows.")
