"""Who applies to an authority, as it comes over the wire; the same for every kind of application."""

from typing import Any

from pydantic import Field

from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.governance.form.formats import Country, Link


class ApplicantIn(ApiModel):
    """Who applies. `name` is by default that of the tenant."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    country: Country
    website: Link | None = None
    email: str | None = Field(default=None, pattern="^[^@ ]{1,64}@[^@ ]{1,190}$")

    def told(self, tenant_name: str) -> dict[str, Any]:
        """Return what the application says of who applies."""
        told: dict[str, Any] = self.model_dump(include={"country", "website", "email"})
        return told | {"name": self.name or tenant_name}
