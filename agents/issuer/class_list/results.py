"""Words by which class lists say whether somebody has passed. A word that is not here is never guessed."""

import unicodedata
from collections.abc import Mapping
from enum import Enum
from typing import Final

from wanderbuch.governance.importing.problem import ValueProblem
from wanderbuch.governance.lists.statuses import folded


class Result(Enum):
    """What a row says of the examination."""

    PASSED = "passed"
    NOT_PASSED = "not-passed"


_WORDS: Final[Mapping[Result, str]] = {
    # English, French, Spanish, Arabic, Sinhala, Tamil; a semicolon divides.
    Result.PASSED: "pass; passed; p; competent; successful; success; completed; awarded; distinction; merit; credit;"
    "qualified; réussi; réussie; admis; admise; reçu; reçue; compétent; compétente; aprobado; aprobada; apto; apta;"
    "competente; ناجح; ناجحة; اجتاز; اجتازت; සමත්; සාමාර්ථයි; විශිෂ්ට; தேர்ச்சி; சித்தி; சித்தியடைந்தார்",
    Result.NOT_PASSED: "fail; failed; f; absent; ab; abs; not competent; not yet competent; nyc; unsuccessful;"
    "withheld; result withheld; pending; incomplete; referred; repeat; resit; dropped; dropped out; withdrawn;"
    "disqualified; not awarded; not passed; échoué; échouée; ajourné; ajournée; absente; non admis; non admise;"
    "refusé; refusée; reprobado; reprobada; suspenso; no apto; no apta; no competente; ausente; no presentado;"
    "راسب; راسبة; غائب; غائبة; محجوب; අසමත්; නොපැමිණි; தோல்வி; சித்தியடையவில்லை; வரவில்லை",
}
_KNOWN: Final[Mapping[str, Result]] = {
    folded(word): result for result, words in _WORDS.items() for word in words.split(";")
}


def result_of(text: str, given: Mapping[str, Result]) -> Result:
    """Return what a cell says.

    Args:
        text: the list's word.
        given: the list's word -> what it means, as the person says; it wins over ours.

    Raises:
        ValueProblem: the word is not known, or bears a mark.
    """
    meant = {" ".join(word.split()).casefold(): result for word, result in given.items()}
    # "Pass*" and "Pass?" say something else than "Pass".
    is_marked = any(unicodedata.category(letter)[0] in "PS" and letter not in "-.'’" for letter in text)
    result = meant.get(" ".join(text.split()).casefold()) or (None if is_marked else _KNOWN.get(folded(text)))
    if result is None:
        raise ValueProblem(
            f"expected a word that says who has passed, found {text[:40]!r}",
            f"say what {text[:40]!r} means in the whole list: passed or not-passed",
        )
    return result
