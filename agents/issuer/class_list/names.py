"""A person's whole name in one cell becomes family name and given names: only as a comma, or a person, says."""

from collections.abc import Mapping

from wanderbuch.governance.lists.noticed import question
from wanderbuch.governance.lists.table import CellFinding

QUESTION = "full-name"


def divided(
    text: str, answers: Mapping[str, str], row: int, position: int | None
) -> tuple[str, str | None, CellFinding | None]:
    """Return family name, given names (None: there are none), and what there is to say about it.

    >>> divided("Perera, Nimal Ruwan", {}, 2, 0)
    ('Perera', 'Nimal Ruwan', None)
    >>> divided("Nimal Ruwan Perera", {"full-name": "family-last"}, 2, 0)[:2]
    ('Perera', 'Nimal Ruwan')

    Args:
        text: the name, not empty.
        answers: question -> what the person decided.
        row: its number.
        position: of the column.
    """
    words = " ".join(text.split())
    words = words.strip(" ,;")
    family, comma, given = (part.strip() for part in words.partition(","))
    if comma and family and given and "," not in given:
        return family, given, None
    first, _, rest = words.partition(" ")
    front, _, last = words.rpartition(" ")
    answer = answers.get(QUESTION)
    if not rest or answer == "one-name":
        return words, None, None
    if answer == "family-first":
        return first, rest, None
    if answer == "family-last":
        return last, front, None
    message = f"found the whole name {words[:60]!r}: which part of it is the family name?"
    return words, None, question(QUESTION, answers, row, position, message)
