"""What questions are said with: their sentences over those of the site."""

from typing import Final

from wanderbuch.agents.site.rendering import Kit

KIT: Final = Kit("wanderbuch.agents.verifier.questions")
