"""What the console is made of: its templates and catalogues over those of people and of the site."""

from typing import Final

from wanderbuch.agents.site.rendering import Kit

KIT: Final = Kit("wanderbuch.agents.people.pages", "wanderbuch.agents.issuer.console")
