"""What the verifier's pages are made of: its templates and catalogues over those of people and of the site.

The words of an application are those of getting in: whoever signed up sees the same.
"""

from typing import Final

from wanderbuch.agents.site.rendering import Kit

KIT: Final = Kit(
    "wanderbuch.agents.people.pages", "wanderbuch.agents.verifier.pages", "wanderbuch.agents.verifier.getting_in"
)
