"""One reader's request for a page of the register."""

from datetime import date, datetime
from typing import Final

from aiohttp import web

from wanderbuch.agents.authority.pages.facts import Facts, Register
from wanderbuch.agents.site.languages import Language
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.schemas.countries import is_country

_MAX_TEXT: Final = 200


class Visit:
    """One reader's request for a page, with what it is answered from."""

    def __init__(
        self, request: web.Request, language: Language, facts: Facts, now: datetime, register: Register
    ) -> None:
        self.request = request
        self.language = language
        self.facts = facts
        self.now = now
        self.register = register

    @property
    def today(self) -> date:
        """The day now in UTC, for people to read; nothing is decided by it."""
        return self.now.date()

    @property
    def days(self) -> DateSpan:
        """The days that it is now somewhere on earth, by which everything is decided."""
        return days_anywhere(self.now)

    def asked(self, name: str) -> str:
        """Return a parameter of the address, shortened."""
        return self.request.query.get(name, "")[:_MAX_TEXT]

    @property
    def country(self) -> str:
        """The country that is asked for, empty if it is none."""
        country = self.asked("country")
        return country if is_country(country) else ""

    @property
    def page(self) -> int:
        """The number of the page of results, from 1."""
        page = self.asked("page")
        return int(page) if page.isascii() and page.isdecimal() and len(page) < 4 else 1
