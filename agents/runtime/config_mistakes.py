"""What is wrong with a configuration, in plain words: unknown keys by name, with the nearest that is allowed."""

from difflib import get_close_matches

from pydantic import BaseModel, ValidationError


def explain(
    err: ValidationError, model: type[BaseModel], prefix: tuple[str, ...], further: tuple[str, ...] = ()
) -> str:
    """Return the mistakes in plain words, unknown keys first, and none that only follows from another."""
    unknown: list[str] = []
    others: list[tuple[str, str]] = []
    meant: set[str] = set()
    for mistake in err.errors(include_input=False, include_url=False):
        where = (*prefix, *(str(part) for part in mistake["loc"]))
        if mistake["type"] == "extra_forbidden":
            inside = tuple(str(part) for part in mistake["loc"][:-1])
            allowed = [*_allowed(model, inside), *(() if inside else further)]
            near = get_close_matches(where[-1], allowed, n=1, cutoff=0.5)
            if near:
                meant.add(_shown((*where[:-1], near[0])))
                unknown.append(f"unknown key {_shown(where)}; did you mean {near[0]!r}?")
            else:
                unknown.append(f"unknown key {_shown(where)}; allowed: {', '.join(sorted(allowed))}")
        elif mistake["type"] == "missing":
            others.append((_shown(where), f"{_shown(where)} is missing"))
        else:
            told = mistake["msg"].removeprefix("Value error, ")
            others.append((_shown(where), f"{_shown(where)}: {told}"))
    return "; ".join([*unknown, *(text for where, text in others if where not in meant)])


def _allowed(model: type[BaseModel], where: tuple[str, ...]) -> list[str]:
    """Return the keys allowed in the table at `where`."""
    for part in (step for step in where if not step.isdecimal()):  # a number is a place in a list of tables
        field = model.model_fields.get(part)
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())] if field else []
        inner = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def _shown(where: tuple[str, ...]) -> str:
    """Return a key as it stands in the file: `[public] listen`."""
    if not where:
        return "the file"
    return where[0] if len(where) == 1 else f"[{'.'.join(where[:-1])}] {where[-1]}"
