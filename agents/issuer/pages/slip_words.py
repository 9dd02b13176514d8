"""What people are written who are to claim a certificate: in their language, and never whose certificate it is."""

from wanderbuch.agents.issuer.pages.kit import KIT
from wanderbuch.agents.site.languages import FALLBACK, LANGUAGES


def message_text(centre: str, language: str, link: str) -> str:
    """Return the text of a short message of a training centre, in a language (its tag), with the link of a slip."""
    words = KIT.words(LANGUAGES.get(language, FALLBACK))
    return words("claim.message", centre=" ".join(centre.split()), link=link).unescape()
