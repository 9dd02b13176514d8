"""What a bound says that was shown, in words: that a level is reached, or is not. The types say it in English alone."""

from typing import Final

from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.verifier.questions.kit import KIT
from wanderbuch.schemas.credential_type import Attribute, Computation
from wanderbuch.schemas.frameworks import framework

_CEFR: Final = "CEFR"
_CEFR_RANK: Final = "cefr_rank"


def bound_words(attribute: Attribute, language: str, *, is_met: bool) -> str | None:
    """Return what a bound that is met, or is not, says in a language; None: an attribute is no bound."""
    computed = attribute.computed
    if computed is None or computed.by is not Computation.AT_LEAST or computed.level is None:
        return None
    if computed.attribute == _CEFR_RANK:
        key = "shown.cefr.met" if is_met else "shown.cefr.not_met"
        level = tuple(framework(_CEFR).levels)[computed.level - 1]
    else:
        key, level = "shown.eqf.met" if is_met else "shown.eqf.not_met", str(computed.level)
    return str(KIT.words(LANGUAGES[language])(key, level=level).striptags())
