"""Writing the TOML that configurations need: tables of texts, numbers, truths and lists of them."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(document: Mapping[str, object]) -> str:
    """Return `document` as TOML; None values are left out."""
    return "\n".join(_table(document, ())) + "\n"


def _table(table: Mapping[str, object], path: tuple[str, ...]) -> list[str]:
    lines: list[str] = []
    if path:
        lines.append(f"[{'.'.join(_key(part) for part in path)}]")
    lines += [
        f"{_key(name)} = {_value(value)}"
        for name, value in table.items()
        if value is not None and not isinstance(value, Mapping)
    ]
    for name, value in table.items():
        if isinstance(value, Mapping):
            lines += ["", *_table(value, (*path, name))]
    return lines


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str() | Path():
            return json.dumps(str(value), ensure_ascii=False)
        case Mapping():
            return f"{{{', '.join(f'{_key(name)} = {_value(item)}' for name, item in value.items())}}}"
        case Sequence():
            return f"[{', '.join(_value(item) for item in value)}]"
        case _:
            raise TypeError(f"no TOML for {type(value).__name__}")
