"""By what an offer is found in the register: keyed hashes in the plain tables, nothing that can be read.

Its number; each word of its holder's name, and the first three letters of each; its occupation; its batch. They stand
as rows of a kind of their own beside those of the offers, so that no marker of an offer repeats them. They are written
before the offer; whoever finds an id by them looks into the offer, which alone counts.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.schemas.claims import plain_values
from wanderbuch.schemas.credential_type import CredentialType, load_credential_type
from wanderbuch.store.hashing import normalised
from wanderbuch.store.rows import Indexed

KIND: Final = "wanderbuch.registered"
"""The kind of the rows."""
NUMBER: Final = "credential_id"
START_CHARS: Final = 3
MOST_WORDS: Final = 12
"""So many words of a name are found; a longer name is found by its first ones."""
_NAMES: Final = ("family_name", "given_names")


def claim_of(offer: Offer) -> dict[str, str]:
    """Return what an offer claims, as applications write it; what is absent is left out."""
    kind = load_credential_type(offer.credential_type)
    return present(kind, plain_values(kind, offer.values))


def present(kind: CredentialType, plain: Mapping[str, str]) -> dict[str, str]:
    """Return what of a claim is there: without what stands for an absent value."""
    absent = {attribute.name: attribute.absent.raw for attribute in kind.claimed if attribute.absent is not None}
    return {
        attribute.name: plain[attribute.name]
        for attribute in kind.claimed
        if attribute.name in plain and plain[attribute.name] != absent.get(attribute.name)
    }


def number_of(claim: Mapping[str, str]) -> str:
    """Return the number of a certificate, "" if its type has none."""
    return claim.get(NUMBER, "")


def name_words(text: str) -> tuple[str, ...]:
    """Return the words of a name as they are compared: no case, no punctuation, each once.

    >>> name_words("De  Silva-PERERA, J. D'Souza")
    ('de', 'silva', 'perera', 'j', 'd', 'souza')
    """
    return tuple(dict.fromkeys("".join(map(_plain, normalised(text))).split()))


def _plain(char: str) -> str:
    """Return a character of a name; punctuation divides, and what is not seen joins."""
    category = unicodedata.category(char)
    return " " if category[0] in "PS" else "" if category == "Cf" else char


def words_of(offer: Offer) -> Mapping[str, str]:
    """Return by what an offer is found."""
    claim = claim_of(offer)
    names = name_words(" ".join(claim.get(name, "") for name in _NAMES))[:MOST_WORDS]
    words = {**word_fields(names), **start_fields(names)}
    if number := number_of(claim):
        words["number"] = number
    if occupation := claim.get(load_credential_type(offer.credential_type).about):
        words["occupation"] = occupation
    if offer.batch_id is not None:
        words["batch"] = offer.batch_id
    return words


def word_fields(words: Iterable[str]) -> dict[str, str]:
    """Return what finds whole words of a name; the word stands in the field's name, so a name may have many."""
    return {f"name {word}": "" for word in words}


def start_fields(words: Iterable[str]) -> dict[str, str]:
    """Return what finds words of a name that begin like these."""
    return {f"start {word[:START_CHARS]}": "" for word in words if len(word) >= START_CHARS}


def indexed(offer: Offer) -> Indexed:
    """Return the row of an offer in the register."""
    return Indexed(offer.id, words=words_of(offer))
