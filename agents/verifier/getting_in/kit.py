"""What these pages are made of: over those of the site and of the verifier, whose words for facts they use."""

from typing import Final

from wanderbuch.agents.site.rendering import Kit

KIT: Final = Kit("wanderbuch.agents.verifier.pages", "wanderbuch.agents.verifier.getting_in")
