"""One kind of statement that officials edit, as a form."""

from dataclasses import dataclass

from wanderbuch.agents.site.fields import FormField
from wanderbuch.agents.site.sections import FormSection


@dataclass(frozen=True, slots=True)
class StatementForm:
    """One kind of statement.

    Args:
        member: the list in a record, or in the statement's object.
        schema: its statement schema.
        title: key of its name in the catalogues.
        is_header: whether it stands in the header, not in a record.
        is_of_author: whether only the authority has it, in its own name.
        is_single: whether there is at most one of it, which is the statement's object itself.
    """

    member: str
    schema: str
    title: str
    sections: tuple[FormSection, ...]
    is_header: bool = False
    is_of_author: bool = False
    is_single: bool = False

    @property
    def fields(self) -> tuple[FormField, ...]:
        """The fields of all its sections."""
        return tuple(field for section in self.sections for field in section.fields)
