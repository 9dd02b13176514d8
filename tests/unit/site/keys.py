"""Which sentences pages say: read from their templates and their code, without running them.

A key stands whole in a template (`t('skip')`) or in code, or it is put together: its beginning stands there
(`t('badge.' ~ state)`, `f"lost.{kind}"`), or a known key with an ending (`t(form.title ~ 's')`).
"""

import ast
import string
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from jinja2 import Environment, nodes

_ENVIRONMENT = Environment(autoescape=True)
_ENVIRONMENT.filters |= dict.fromkeys(("shown", "code", "link", "english", "segment"), str)
_BEGINNING_ENDS = (".", "_")


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@dataclass
class Keys:
    """Keys, beginnings and endings of keys."""

    whole: set[str] = field(default_factory=set)
    beginnings: set[str] = field(default_factory=set)
    endings: set[str] = field(default_factory=set)

    def has(self, key: str) -> bool:
        return (
            key in self.whole
            or any(key.startswith(beginning) for beginning in self.beginnings)
            or any(key.endswith(ending) and key.removesuffix(ending) in self.whole for ending in self.endings)
        )

    def add(self, other: "Keys") -> None:
        self.whole |= other.whole
        self.beginnings |= other.beginnings
        self.endings |= other.endings


def keys_in_use(packages: Iterable[str]) -> Keys:
    """Return what the templates and the code of all packages say."""
    keys = Keys()
    for package in packages:
        for template in _files(package, "*.html"):
            keys.add(said_in_template(template.read_text("utf-8")))
        for module in _files(package, "*.py"):
            keys.add(_texts_in_code(module.read_text("utf-8")))
    return keys


def unknown_keys(package: str, known: Set[str]) -> list[tuple[str, str]]:
    """Return the keys that a package's templates and code say, and no catalogue knows."""
    unknown = []
    for file in [*_files(package, "*.html"), *_files(package, "*.py")]:
        text = file.read_text("utf-8")
        keys = said_in_template(text) if file.suffix == ".html" else _said_in_code(text)
        unknown += [(file.name, key) for key in keys.whole if key not in known]
        unknown += [
            (file.name, beginning)
            for beginning in keys.beginnings
            if not any(key.startswith(beginning) for key in known)
        ]
    return unknown


def said_in_template(text: str) -> Keys:
    keys = Keys()
    for call in _ENVIRONMENT.parse(text).find_all(nodes.Call):
        match call.node:
            case nodes.Name(name="t"):
                _add(keys, call.args[0])
            case nodes.Getattr(node=nodes.Name(name="t"), attr="named"):
                keys.beginnings |= {f"{arg.value}." for arg in call.args[1:] if isinstance(arg, nodes.Const)}
    return keys


def _add(keys: Keys, key: nodes.Node) -> None:
    match key:
        case nodes.Const(value=str(whole)):
            keys.whole.add(whole)
        case nodes.CondExpr(expr1=first, expr2=second):
            _add(keys, first)
            if second is not None:
                _add(keys, second)
        case nodes.Concat(nodes=[nodes.Const(value=str(beginning)), *_]):
            keys.beginnings.add(beginning)
        case nodes.Add(left=nodes.Const(value=str(beginning))):
            keys.beginnings.add(beginning)
        case nodes.Concat(nodes=[*_, nodes.Const(value=str(ending))]):
            keys.endings.add(ending)


def _said_in_code(text: str) -> Keys:
    """Return the keys in calls such as `words("…")`."""
    keys = Keys()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(
                func=ast.Name(id="words") | ast.Attribute(attr="words"), args=[ast.Constant(value=str(whole))]
            ):
                keys.whole.add(whole)
    return keys


def _texts_in_code(text: str) -> Keys:
    """Return every text that may be a key, or the beginning of one."""
    keys = Keys()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.JoinedStr(values=[ast.Constant(value=str(beginning)), _, *_]) if beginning.endswith(
                _BEGINNING_ENDS
            ):
                keys.beginnings.add(beginning)
            case ast.Constant(value=str(whole)) if whole.endswith(_BEGINNING_ENDS) and " " not in whole:
                keys.beginnings |= {whole} if len(whole) > 2 else set()
            case ast.Constant(value=str(whole)):
                keys.whole.add(whole)
    return keys


def _files(package: str, pattern: str) -> Iterator[Path]:
    with resources.as_file(resources.files(package)) as folder:
        yield from sorted(folder.rglob(pattern))
