"""`wanderbuch schemas`: what can be claimed, for people and for programs."""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.canonical import expectation
from wanderbuch.schemas.code_list import CodeList
from wanderbuch.schemas.countries import iso3166
from wanderbuch.schemas.credential_type import (
    Attribute,
    CredentialType,
    Kind,
    list_credential_types,
    load_credential_type,
)
from wanderbuch.schemas.data_file import Source
from wanderbuch.schemas.frameworks import Framework, framework, frameworks
from wanderbuch.schemas.occupations import OccupationCode, isco08, nearest

app = typer.Typer(help="Show what can be claimed: credential types, frameworks, code lists.", no_args_is_help=True)

type Shown = CredentialType | Framework | CodeList | OccupationCode

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
NameArgument = Annotated[
    str,
    typer.Argument(help="Credential type (qualification/1.0), framework (LK-NVQ), code list (isco08) or code (C7212)."),
]


@app.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List credential types, frameworks and code lists."""
    if as_json:
        _print_json(
            {
                "credential_types": [_brief(each.id, each.label.by_language) for each in list_credential_types()],
                "frameworks": [_brief(each.code, each.label.by_language) for each in frameworks().values()],
                "code_lists": [_brief(each.id, each.label.by_language) for each in _code_lists()],
            }
        )
        return
    table = Table("Name", "What it is", "Size", box=None, pad_edge=False)
    for credential_type in list_credential_types():
        size = f"{len(credential_type.attributes)} attributes"
        table.add_row(credential_type.id, f"Credential type: {credential_type.label}", size)
    for known in frameworks().values():
        table.add_row(known.code, f"Framework: {known.label}", f"{len(known.levels)} levels")
    for code_list in _code_lists():
        table.add_row(code_list.id, f"Code list: {code_list.label}", f"{len(code_list.codes)} codes")
    Console().print(table)


@app.command("show")
def show(name: NameArgument, as_json: JsonOption = False) -> None:
    """Show one of them in full, with its sources."""
    shown = _find(name)
    if as_json:
        _print_json(_document(shown))
        return
    console = Console()
    match shown:
        case CredentialType():
            _show_type(console, shown)
        case Framework():
            console.print(f"{shown.code}  {shown.label}\n", highlight=False)
            console.print(_two_columns("Level", ((level.code, str(level.label)) for level in shown.levels.values())))
            _show_sources(console, shown.sources)
        case CodeList():
            console.print(f"{shown.id}  {shown.label}\n", highlight=False)
            console.print(_two_columns("Code", ((code, str(label)) for code, label in shown.codes.items())))
            _show_sources(console, shown.sources)
        case OccupationCode():
            for group in (*shown.path, *shown.children):
                console.print(f"{'  ' * (len(group) - 2)}{group}  {group.label()}", highlight=False)
            _show_sources(console, isco08().sources)


def _find(name: str) -> Shown:
    if "/" in name:
        return load_credential_type(name)
    if name in frameworks():
        return framework(name)
    for code_list in _code_lists():
        if name == code_list.id:
            return code_list
    if name in isco08().codes:
        return OccupationCode.parse(name)
    raise CredentialError(
        "expected the name of a credential type, framework, code list or occupation, found none that is known",
        hint="`wanderbuch schemas list` shows the names; occupations are written like "
        + (", ".join(f"{code} ({code.label()})" for code in nearest(name)) or "C7212"),
    )


def _code_lists() -> tuple[CodeList, ...]:
    return isco08(), iso3166()


def _show_type(console: Console, credential_type: CredentialType) -> None:
    console.print(f"{credential_type.id}  {credential_type.label}\n{credential_type.description}\n", highlight=False)
    table = Table("Attribute", "Kind", "Set by", "Personal", "Expected", box=None, pad_edge=False)
    for attribute in credential_type.attributes:
        set_by = "agent" if attribute.computed else "claim"
        personal = "yes" if attribute.personal else "no"
        table.add_row(attribute.name, attribute.kind.value, set_by, personal, expectation(attribute))
    console.print(table)
    _show_sources(console, credential_type.sources)


def _show_sources(console: Console, sources: tuple[Source, ...]) -> None:
    console.print("\nSources", highlight=False)
    for source in sources:
        console.print(f"- {source.publisher}: {source.title}. {source.url}", highlight=False, soft_wrap=True)
        if source.rights:
            console.print(f"  {source.rights}", highlight=False, soft_wrap=True)


def _two_columns(name: str, rows: Iterable[tuple[str, str]]) -> Table:
    table = Table(name, "Meaning", box=None, pad_edge=False)
    for code, label in rows:
        table.add_row(code, label)
    return table


def _document(shown: Shown) -> dict[str, Any]:
    match shown:
        case CredentialType():
            return {
                **_brief(shown.id, shown.label.by_language),
                "name": shown.name,
                "version": shown.version,
                "description": dict(shown.description.by_language),
                "attributes": [_attribute_document(attribute) for attribute in shown.attributes],
                "sources": _source_documents(shown.sources),
            }
        case Framework():
            return {
                **_brief(shown.code, shown.label.by_language),
                "country": shown.country,
                "levels": [
                    {"code": level.code, "rank": level.rank, "label": dict(level.label.by_language), "uri": level.uri}
                    for level in shown.levels.values()
                ],
                "sources": _source_documents(shown.sources),
            }
        case CodeList():
            return {
                **_brief(shown.id, shown.label.by_language),
                "codes": {code: dict(label.by_language) for code, label in shown.codes.items()},
                "sources": _source_documents(shown.sources),
            }
        case OccupationCode():
            return {
                **_brief(shown, isco08().codes[shown].by_language),
                "uri": shown.uri,
                "path": list(shown.path),
                "children": list(shown.children),
                "sources": _source_documents(isco08().sources),
            }


def _attribute_document(attribute: Attribute) -> dict[str, Any]:
    return {
        "name": attribute.name,
        "kind": attribute.kind.value,
        "unit": attribute.unit,
        "personal": attribute.personal,
        "label": dict(attribute.label.by_language),
        "description": dict(attribute.description.by_language),
        "example": attribute.example,
        "computed": attribute.computed is not None,
        "required": attribute.computed is None and attribute.absent is None,
        "absent": attribute.absent.raw if attribute.absent else None,
        "expected": expectation(attribute),
        **_bounds(attribute),
    }


def _bounds(attribute: Attribute) -> dict[str, Any]:
    match attribute.kind:
        case Kind.TEXT:
            return {"max_bytes": attribute.max_bytes}
        case Kind.INTEGER:
            return {"minimum": attribute.minimum, "maximum": attribute.maximum}
        case Kind.DATE:
            return {"earliest": f"{attribute.earliest:%Y%m%d}", "latest": f"{attribute.latest:%Y%m%d}"}
        case Kind.CODE if attribute.code_list:
            return {"code_list": attribute.code_list}
        case Kind.CODE:
            return {"codes": {code: dict(label.by_language) for code, label in attribute.codes.items()}}
        case Kind.LEVEL:
            return {"framework_attribute": attribute.framework_attribute}


def _brief(name: str, label: Mapping[str, str]) -> dict[str, Any]:
    return {"id": name, "label": dict(label)}


def _source_documents(sources: tuple[Source, ...]) -> list[dict[str, str | None]]:
    return [
        {
            "title": source.title,
            "publisher": source.publisher,
            "url": source.url,
            "used_for": source.used_for,
            "rights": source.rights,
        }
        for source in sources
    ]


def _print_json(document: dict[str, Any]) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
