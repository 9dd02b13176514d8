"""What the authority's pages are made of: its templates, catalogues and scripts over those of the site."""

from typing import Final

from wanderbuch.agents.site.rendering import Kit

KIT: Final = Kit(
    "wanderbuch.agents.people.pages", "wanderbuch.agents.authority.intake", "wanderbuch.agents.authority.pages"
)
