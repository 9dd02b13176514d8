"""What is wrong with a class list: the sentences for its columns, over those that all desks with lists share."""

from typing import Final

from markupsafe import Markup

from wanderbuch.agents.issuer.class_list.columns import RESULT
from wanderbuch.agents.issuer.class_list.contacts import EMAIL, LANGUAGE, PHONE
from wanderbuch.agents.issuer.console.claim_form import COUNTRIES
from wanderbuch.agents.site.languages import Words
from wanderbuch.agents.site.list_causes import ListCauses
from wanderbuch.governance.lists.table import CellFinding, Table
from wanderbuch.schemas.credential_type import Attribute, CredentialType, Kind

_OWN: Final = {RESULT: "result", EMAIL: "email", PHONE: "phone", LANGUAGE: "language"}
_VALUES: Final = {Kind.DATE: "day", Kind.INTEGER: "number", Kind.LEVEL: "level", Kind.CODE: "code"}
_CLAIMS: Final = {Kind.DATE: "other_day", Kind.INTEGER: "other_number", Kind.LEVEL: "level", Kind.CODE: "code"}
_CODES: Final = {"isco08-unit-groups": "occupation", COUNTRIES: "country", "frameworks": "framework"}


class ClassListCauses(ListCauses):
    """The causes of one class list.

    Args:
        kind: what the list's rows become.
        table: the list.
        words: of the page.
    """

    def __init__(self, kind: CredentialType, table: Table, words: Words) -> None:
        super().__init__(table, words)
        self._kind = kind

    def sentence(self, finding: CellFinding) -> Markup:
        """Return what was found and what to do; of what the authority says of the centre, its own sentence too."""
        own = self._own(finding)
        if own is not None and finding.kind == "standing":
            return own + " " + self._words.in_english(finding.message)
        return super().sentence(finding)

    def _of_kind(self, finding: CellFinding) -> str:
        what, _, name = finding.kind.partition("-")
        if what not in ("value", "claim"):
            return f"cause.{finding.kind}"
        if name in _OWN:
            return f"cause.{_OWN[name]}"
        if name not in self._kind.attr_names:
            return ""
        return f"cause.{_cause_of(self._kind.attribute(name), is_read=what == 'claim')}"


def _cause_of(attribute: Attribute, *, is_read: bool) -> str:
    """Return what is wrong with a cell that could not be read, or whose value does not fit its row."""
    if attribute.kind is Kind.CODE:
        return _CODES.get(attribute.code_list or "", "code")
    return (_CLAIMS if is_read else _VALUES).get(attribute.kind, "text")
