"""What a new statement begins with: what is the same in most, so that an official writes only what is new.

Whatever says for whom certificates count (occupations, levels, where credentials come from) is never filled in here:
that is the decision itself.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from wanderbuch.agents.authority.pages.author_forms import begun_table
from wanderbuch.agents.authority.pages.desk import DeskParts
from wanderbuch.agents.authority.pages.statement_form import StatementForm


async def begun(
    parts: DeskParts, form: StatementForm, record: Mapping[str, Any], others: Sequence[Any] = (), framework: str = ""
) -> dict[str, Any]:
    """Return the members of a new statement.

    Args:
        parts: what the desk works on.
        form: kind of the statement.
        record: of whom it is about, as the draft has it.
        others: the statements of this kind that there are.
        framework: whose levels a new table is about; by default the one that this register uses most.
    """
    today = parts.clock().astimezone(UTC).date().isoformat()
    facts = await parts.register.facts()
    usual = facts.tables.usual_framework if facts else None
    countries = [facts.tables.usual_country] if facts and facts.tables.usual_country else []
    redress = {"redress": parts.desk.redress} if parts.desk.redress else {}
    from_today = {"intervals": [{"start": today}]}
    match form.member:
        case "accreditations":
            own = await (await parts.base()).record(parts.author) or {}
            name = (own.get("description") or {}).get("name", "")
            return {
                "credential_types": ["qualification/1.0"],
                "level_range": {"framework": usual},
                "jurisdictions": countries,
                "accreditingAgent": {"name": name, "did": str(parts.author)},
                **from_today,
                **redress,
            }
        case "programmes":
            numbers = [
                accreditation.get("id")
                for accreditation in record.get("accreditations") or []
                if isinstance(accreditation, Mapping)
            ]
            only = {"accreditation": numbers[0]} if len(numbers) == 1 else {}
            return {"framework": usual, "learning_settings": ["formal"], **only, **from_today}
        case "refusals":
            return {"decided_on": today, **redress}
        case "successions":
            return {"decided_on": today}
        case "recognitions":
            return {
                "credential_types": ["qualification/1.0"],
                "level_range": {"framework": "EQF"},
                "jurisdictions": countries,
                **from_today,
                **redress,
            }
        case "verifications":
            only = {"credential_type": "qualification/1.0", "purposes": ["employment"]}
            return {**only, "jurisdictions": countries, **from_today, **redress}
        case "regulations":
            return {"jurisdictions": countries, **from_today, **redress}
        case "crosswalks":
            return begun_table(framework or usual or "", others, today)
        case "signatories":
            name = (record.get("description") or {}).get("name", "")
            return {"parties": [{"did": str(parts.author), "name": name, "kind": "authority"}]}
        case _:
            return {}
