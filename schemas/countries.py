"""Countries and territories: ISO 3166-1 alpha-3, the officially assigned codes."""

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.code_list import CodeList, load_code_list
from wanderbuch.schemas.local_text import DEFAULT_LANGUAGE


def iso3166() -> CodeList:
    """Return the 249 countries and territories, sorted by code."""
    return load_code_list("iso3166")


def is_country(code: object) -> bool:
    """Return whether `code` is an officially assigned alpha-3 code in capital letters.

    >>> is_country("LKA"), is_country("lka"), is_country("LK")
    (True, False, False)
    """
    return isinstance(code, str) and code in iso3166().codes


def country_name(code: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Return the country's name, in English if `language` is not there.

    Raises:
        CredentialError: there is no such country.
    """
    if not is_country(code):
        raise CredentialError("expected a country as ISO 3166-1 alpha-3 such as LKA, found another text")
    return iso3166().codes[code].in_language(language)
