"""What is wrong with a list of institutions: the sentences for its columns, over those that all desks with lists share.

Behind each stands the English sentence as its details: it names the row, the number or the rule that is meant.
"""

from collections.abc import Mapping
from typing import Final

from markupsafe import Markup

from wanderbuch.agents.site.list_causes import ListCauses
from wanderbuch.governance.lists.table import CellFinding

_DAYS: Final = ("valid_from", "valid_until", "decided_on", "effective_from", "programme_from", "programme_until")
_LINKS: Final = ("website", "status_decision", "decision", "redress", "quality_assurance")
_LINES: Final = ("institution", "email", "title", "reason", "accrediting_agent", "programme_title")
_CAUSES: Final[Mapping[str, str]] = {
    **dict.fromkeys(_DAYS, "day"),
    **dict.fromkeys(_LINKS, "page"),
    **dict.fromkeys(_LINES, "line"),
    **dict.fromkeys(("occupations", "excluded_occupations", "programme_occupation"), "occupation"),
    **dict.fromkeys(("levels", "programme_level"), "levels"),
    **dict.fromkeys(("did", "accrediting_agent_did"), "did"),
    "framework": "framework",
    "jurisdictions": "country",
    "status": "status",
    "learning_settings": "learning",
    "units": "units",
}


class InstitutionCauses(ListCauses):
    """The causes of one list of institutions."""

    def sentence(self, finding: CellFinding) -> Markup:
        """Return what was found and what to do, the English details after it."""
        own = self._own(finding)
        if own is None:
            return self._details(finding)
        return Markup('{}<br><small class="hint">{}</small>').format(own, self._details(finding))

    def _of_kind(self, finding: CellFinding) -> str:
        what, _, name = finding.kind.partition("-")
        if what == "value":
            return f"cause.{_CAUSES.get(name, 'identifier')}"
        if what == "merging":
            return "cause.together"
        # A rule of the whole file says its name at the end; a sheet may have a kind of the same name, such as link.
        is_rule = finding.message.endswith(f" [{finding.kind}]")
        return f"rule.{finding.kind}" if is_rule else f"cause.{finding.kind}"
