"""A long form in sections: what everybody fills in stands open, what few need is folded away until it says something.

A folded section opens by itself when one of its fields has a mistake, when a row was asked for in it, or when one of
the members that it opens for is there already; so nothing that matters is ever hidden.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wanderbuch.agents.site.fields import FormField, Shown


@dataclass(frozen=True, slots=True)
class FormSection:
    """Fields of a form that belong together.

    Args:
        title: key of its heading in the catalogues; empty for a form that has one section only.
        is_folded: whether it is rarely needed.
        opens_for: the members of a folded section that open it when the statement has them.
    """

    title: str
    fields: tuple[FormField, ...]
    is_folded: bool = False
    opens_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownSection:
    """A section with its fields, ready for the template."""

    section: FormSection
    fields: tuple[Shown, ...]
    is_open: bool


def in_sections(
    sections: Sequence[FormSection], fields: Sequence[Shown], *, extra: str = ""
) -> tuple[ShownSection, ...]:
    """Return the fields of a form by section; call it after the findings were placed.

    Args:
        sections: of the form.
        fields: as `fields.shown` returned them.
        extra: name of the field to which one more row was asked for.
    """
    by_member = {field.field.member: field for field in fields}
    result = []
    for section in sections:
        own = tuple(by_member[field.member] for field in section.fields)
        is_open = not section.is_folded or any(
            field.problems
            or (extra and field.name == extra)
            or (field.field.member in section.opens_for and field.has_text)
            for shown in own
            for field in _with_inner(shown)
        )
        result.append(ShownSection(section, own, is_open))
    return tuple(result)


def _with_inner(shown: Shown) -> Iterator[Shown]:
    yield shown
    for row in shown.rows:
        for field in row:
            yield from _with_inner(field)
