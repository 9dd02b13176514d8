"""The CTE role of an issuer. A role grants nothing; it lets readers see the issuer who know CTE alone."""

from collections.abc import Iterable, Mapping
from typing import Any

from wanderbuch.agents.site.fields import is_day


def role_of_issuer(accreditations: Iterable[Any], header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `roles` of a new issuer's record, if the file has just one role that fits; else nothing."""
    listed = [accreditation for accreditation in accreditations if isinstance(accreditation, dict)]
    types = {name for accreditation in listed for name in accreditation.get("credential_types", ())}
    schemas = {schema.get("id") for schema in header.get("schemas", ()) if schema.get("name") in types}
    fitting = [name for name, role in header.get("roles", {}).items() if schemas & set(role.get("issue", ()))]
    spans = [span for accreditation in listed for span in accreditation.get("intervals", ()) if isinstance(span, dict)]
    starts = [span["start"] for span in spans if is_day(span.get("start"))]
    if len(fitting) != 1 or not starts:
        return {}
    return {"roles": [{"start": f"{min(starts)}T00:00:00Z", "role": fitting[0]}]}
