"""What the issuer's pages are made of: its templates and catalogues over those of the site."""

from typing import Final

from wanderbuch.agents.site.languages import FOR_WORKERS
from wanderbuch.agents.site.rendering import Kit

KIT: Final = Kit("wanderbuch.agents.issuer.pages", languages=FOR_WORKERS)
