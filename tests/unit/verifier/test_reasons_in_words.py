"""Every reason that an employer reads has a sentence in each language; English alone are its details, and marked so."""

import ast
import inspect
import re
from collections.abc import Iterator

import pytest

from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.verifier.pages.kit import KIT as DESK
from wanderbuch.agents.verifier.questions.explaining import explain
from wanderbuch.agents.verifier.questions.kit import KIT as QUESTIONS
from wanderbuch.governance.deciding import asking_rules
from wanderbuch.governance.facts.question import Requirement
from wanderbuch.plugins.trust.verifying import answer_grounds
from wanderbuch.plugins.trust.verifying.asked import AskedCredential

OTHERS = [tag for tag in LANGUAGES if tag != "en"]


def codes_in(module: object) -> Iterator[str]:
    """Return what looks like the code of a reason among a module's texts."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):  # type: ignore[arg-type]
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.fullmatch(r"[a-z_]+\.[a-z_]+", node.value)
        ):
            yield node.value


def test_the_codes_are_found() -> None:
    assert {"registry.not_pinned", "case.not_kept", "proof.invalid"} <= set(codes_in(answer_grounds))
    assert len([code for code in codes_in(asking_rules) if code.startswith("verification.")]) == 5


@pytest.mark.parametrize("language", OTHERS)
def test_each_reason_of_a_decision_is_said(language: str) -> None:
    words, in_english = DESK.words(LANGUAGES[language]), DESK.words(LANGUAGES["en"])
    for code in codes_in(answer_grounds):
        sentence = words.why(code)
        assert sentence is not None, code
        key = next(key for key in (f"why.{code}", f"why.{code.partition('.')[0]}") if key in words)
        assert sentence != in_english(key), code


@pytest.mark.parametrize("language", OTHERS)
def test_each_reason_why_a_question_may_not_be_put_is_said_in_words_of_its_own(language: str) -> None:
    words = QUESTIONS.words(LANGUAGES[language])
    codes = {code for code in codes_in(asking_rules) if code.startswith("verification.")}
    assert len({words.why(code) for code in codes} - {None}) == len(codes)


@pytest.mark.parametrize("language", OTHERS)
def test_what_a_page_says_in_english_is_marked_so_and_days_are_days(language: str) -> None:
    need = Requirement(occupation="C7212", jurisdiction="LKA", credential_type="qualification/1.0")
    told = explain([AskedCredential("welder", need)], (), (), language=language)
    words = QUESTIONS.words(LANGUAGES[language])
    has_own = words.has_own_titles
    assert ('<span lang="en" dir="ltr">Welders and flamecutters</span>' in told.marked_learnt[0]) is not has_own
    assert "<" not in "".join((*told.learnt, *told.not_learnt))
