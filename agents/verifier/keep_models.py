"""Why and how long an answer is kept, where a law asks for that: what goes over the wire."""

from datetime import date

from pydantic import Field

from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.agents.site.languages import LanguageTag
from wanderbuch.plugins.trust.verifying.keeping import Keeping


class KeepOut(ApiModel):
    """Why and how long the answer is kept, which the worker is told: only where a law asks for that.

    A presentation that is kept convinces others. It is sealed under a key of its own, which is destroyed after `until`.
    """

    law: str = Field(min_length=1, max_length=120, examples=["Health and Safety Act, section 12"])
    purpose: str = Field(min_length=1, max_length=120, examples=["showing an inspector who was let weld"])
    until: date


class KeepIn(KeepOut):
    """The same, and the language in which the worker is told: by default that of the question, or English."""

    language: LanguageTag | None = None

    def parsed(self, language: str = "en") -> Keeping:
        """Return the same as the desk takes it."""
        return Keeping(self.law, self.purpose, self.until, self.language or language)
