"""`wanderbuch schemas`: what can be claimed, for people and for programs."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from wanderbuch.agents.cli.terminal_text import counted
from wanderbuch.errors import CredentialError
from wanderbuch.schemas.canonical import expectation
from wanderbuch.schemas.code_list import CodeList
from wanderbuch.schemas.countries import iso3166
from wanderbuch.schemas.country_names import find_country
from wanderbuch.schemas.credential_type import (
    Attribute,
    CredentialType,
    Kind,
    list_credential_types,
    load_credential_type,
)
from wanderbuch.schemas.data_file import Source
from wanderbuch.schemas.frameworks import Framework, framework, frameworks
from wanderbuch.schemas.languages import iso639
from wanderbuch.schemas.local_text import LocalText
from wanderbuch.schemas.occupation_titles import alike, called, find_occupation, with_words
from wanderbuch.schemas.occupations import OccupationCode, isco08, nearest

app = typer.Typer(help="Show what can be claimed: credential types, frameworks, code lists.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class Country:
    """One country of ISO 3166-1."""

    code: str

    @property
    def names(self) -> LocalText:
        """Its names."""
        return iso3166().codes[self.code]


type Shown = CredentialType | Framework | CodeList | OccupationCode | Country


def _known_names(incomplete: str) -> list[str]:
    """Return what a shell may complete a name to."""
    names = [credential_type.id for credential_type in list_credential_types()]
    names += [*frameworks(), *(code_list.id for code_list in _code_lists())]
    return [name for name in names if name.startswith(incomplete)]


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
NameArgument = Annotated[
    str,
    typer.Argument(
        help="Type (qualification/1.0), framework (LK-NVQ), code list (isco08), occupation (C7212, or title), "
        "country (LKA or name).",
        autocompletion=_known_names,
    ),
]


@app.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List credential types, frameworks and code lists."""
    if as_json:
        _print_json(
            {
                "credential_types": [
                    _brief(credential_type.id, credential_type.label.by_language)
                    for credential_type in list_credential_types()
                ],
                "frameworks": [
                    _brief(framework.code, framework.label.by_language) for framework in frameworks().values()
                ],
                "code_lists": [_brief(code_list.id, code_list.label.by_language) for code_list in _code_lists()],
            }
        )
        return
    table = Table("Name", "What it is", "Size", box=None, pad_edge=False)
    for credential_type in list_credential_types():
        size = counted(len(credential_type.attributes), "attribute")
        table.add_row(credential_type.id, f"Credential type: {credential_type.label}", size)
    for known in frameworks().values():
        table.add_row(known.code, f"Framework: {known.label}", counted(len(known.levels), "level"))
    for code_list in _code_lists():
        table.add_row(code_list.id, f"Code list: {code_list.label}", counted(len(code_list.codes), "code"))
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
        case Country():
            console.print(f"{shown.code}  {shown.names}\n", highlight=False)
            console.print(_two_columns("Language", shown.names.by_language.items(), meaning="Name"))
            _show_sources(console, iso3166().sources)


@app.command("search")
def search(
    words: Annotated[
        list[str],
        typer.Argument(help="Beginnings of words, or an everyday word in any of our languages: weld, soldador."),
    ],
    as_json: JsonOption = False,
) -> None:
    """Find occupations, countries, languages, frameworks and credential types by code or title. Exit 1: there is none.

    If no title has the words, those that are spelt alike are shown.
    """
    text = " ".join(words)
    titles = _titles()
    hits = _with_code(titles, text)
    hits += [("occupation", code) for code in called(text)]  # what people call them, in any of our languages
    hits += [(kind, code) for kind, labels in titles.items() for code in with_words(labels, text)]
    hits = list(dict.fromkeys(hits))
    is_exact = bool(hits)
    if not is_exact:
        hits = [(kind, code) for kind, labels in titles.items() for code in alike(labels, text)]
    if as_json:
        _print_json(
            {
                "exact": is_exact,
                "items": [{"kind": kind, **_brief(code, titles[kind][code].by_language)} for kind, code in hits],
            }
        )
    elif hits:
        if not is_exact:
            Console(stderr=True).print(f"No title has {text!r}; spelt alike:", markup=False, highlight=False)
        table = Table("Code", "Title", "What it is", box=None, pad_edge=False)
        for kind, code in hits:
            table.add_row(code, str(titles[kind][code]), kind)
        Console().print(table)
    else:
        Console(stderr=True).print(f"No title has {text!r}.", markup=False, highlight=False)
    if not hits:
        raise typer.Exit(1)


def _with_code(titles: Mapping[str, Mapping[str, LocalText]], text: str) -> list[tuple[str, str]]:
    """Return what has this code, or is the country that is called so: 7212, c7212, LKA, lk, UK."""
    code = text.strip().upper()
    meant = [(kind, one) for kind, labels in titles.items() for one in labels if one.upper() in {code, f"C{code}"}]
    try:
        return list(dict.fromkeys([*meant, ("country", find_country(text))]))
    except CredentialError:
        return meant


def _titles() -> dict[str, Mapping[str, LocalText]]:
    """Return what can be looked for: kind -> code -> title."""
    return {
        "occupation": isco08().codes,
        "country": iso3166().codes,
        "language": iso639().codes,
        "framework": {framework.code: framework.label for framework in frameworks().values()},
        "credential type": {credential_type.id: credential_type.label for credential_type in list_credential_types()},
    }


def _find(name: str) -> Shown:
    if "/" in name:
        return load_credential_type(name)
    if name in frameworks():
        return framework(name)
    for code_list in _code_lists():
        if name in {code_list.id, code_list.id.partition("-")[0]}:
            return code_list
    if name in isco08().codes:
        return OccupationCode.parse(name)
    if with_words(isco08().codes, name) or called(name):
        return find_occupation(name)
    with suppress(CredentialError):
        return Country(find_country(name))
    raise CredentialError(
        "expected a credential type, framework, code list, occupation or country, found none that is known",
        hint="`wanderbuch schemas list` shows the names, `schemas search` finds one; occupations are written like "
        + (", ".join(f"{code} ({code.label()})" for code in nearest(name)) or "C7212"),
    )


def _code_lists() -> tuple[CodeList, ...]:
    return isco08(), iso3166(), iso639()


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


def _two_columns(name: str, rows: Iterable[tuple[str, str]], *, meaning: str = "Meaning") -> Table:
    table = Table(name, meaning, box=None, pad_edge=False)
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
        case Country():
            return {
                **_brief(shown.code, shown.names.by_language),
                "sources": _source_documents(iso3166().sources),
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
