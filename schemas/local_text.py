"""Text in several languages, as labels and descriptions carry it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class LocalText:
    """A text by language tag (BCP 47); English is always there.

    >>> LocalText({"en": "Welder", "de": "Schweißer"}).in_language("de-AT")
    'Schweißer'
    >>> str(LocalText({"en": "Welder"}))
    'Welder'
    """

    by_language: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.by_language.get(DEFAULT_LANGUAGE):
            raise ValueError("expected a text in English")
        object.__setattr__(self, "by_language", MappingProxyType(dict(self.by_language)))

    def __hash__(self) -> int:
        return hash(frozenset(self.by_language.items()))

    def __str__(self) -> str:
        return self.by_language[DEFAULT_LANGUAGE]

    def in_language(self, tag: str) -> str:
        """Return the text for `tag`, else for its primary language, else in English."""
        return self.by_language.get(tag) or self.by_language.get(tag.partition("-")[0]) or str(self)
