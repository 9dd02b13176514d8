"""The catalogues of the wallet's page: whole in every language, in step with English, and honest about machines."""

import json
import re

import polib
from tests.unit.site.keys import placeholders
from tests.wallet_tools import PAGE, WALLET
from tests.wallet_words import OTHERS, TEMPLATE, catalogues, facts, titles, translation

from wanderbuch.schemas.credential_type import list_credential_types

ENGLISH = {str(entry.msgctxt): entry.msgid for entry in polib.pofile(str(TEMPLATE), encoding="utf-8")}


def test_every_language_says_everything_with_the_same_placeholders() -> None:
    wrong = []
    for tag in OTHERS:
        file = translation(tag)
        if [(entry.msgctxt, entry.msgid) for entry in file] != list(ENGLISH.items()):
            wrong.append((tag, "call: python -m tests.words"))
        wrong += [(tag, entry.msgctxt) for entry in [*file.untranslated_entries(), *file.fuzzy_entries()]]
        for entry in file:
            if placeholders(entry.msgstr) != placeholders(entry.msgid):
                wrong.append((tag, entry.msgctxt))
        same = [entry.msgctxt for entry in file if entry.msgstr == entry.msgid and len(entry.msgid) > 20]
        wrong += [(tag, key) for key in same]
    assert wrong == []


def test_whatever_a_sentence_names_is_called_so_on_the_page() -> None:
    """A worker is sent to a button by its name: “Get ready” is one, and the way to it is named too."""
    told = {"en": ENGLISH, **{tag: {entry.msgctxt: entry.msgstr for entry in translation(tag)} for tag in OTHERS}}
    wrong = []
    for tag, sentences in told.items():
        for key, sentence in sentences.items():
            named = re.findall(r"[“«\"]\s?([^”»\"{}]+?)\s?[”»\"]", sentence)
            wrong += [(tag, key, name) for name in named if name not in sentences.values()]
        for key, names in (("error.not_ready", ("book.more", "ready.do")), ("more.pressure.what", ("lock.now",))):
            wrong += [(tag, key, name) for name in names if sentences[name] not in sentences[key]]
    assert wrong == []


def test_what_a_certificate_is_made_of_has_a_sentence() -> None:
    types = list_credential_types()
    assert {type_.id for type_ in types} == set(facts()["types"])
    wanted = {f"type.{type_.id}" for type_ in types}
    for attribute in (its_attribute for type_ in types for its_attribute in type_.attributes):
        name = re.sub(r"^(eqf|cefr)_min_[a-z0-9]+$", r"\1_min", attribute.name)
        wanted.add(f"attribute.{name}")
        if attribute.code_list is None:
            wanted |= {f"choice.{name}.{code}" for code in attribute.codes}
        wanted |= {f"absent.{name}"} if attribute.absent is not None else set()
    assert sorted(wanted - ENGLISH.keys()) == []


def test_the_page_offers_all_languages_and_says_which_ones_a_machine_made() -> None:
    source = (WALLET / "src" / "page" / "words.ts").read_text()
    offered = re.findall(r"^  \['([a-z]{2})', '", source, re.MULTILINE)
    assert sorted(offered) == sorted(["en", *OTHERS])
    told = catalogues()
    assert {tag: told[tag]["machine"] for tag in told} == {"en": False, **dict.fromkeys(OTHERS, True)}
    with_titles = re.search(r"const WITH_TITLES = \[(.*)\]", source)
    assert with_titles is not None
    assert re.findall(r"'(\w+)'", with_titles[1]) == list(titles())
    for tag in told:
        assert json.loads((PAGE / "words" / f"{tag}.json").read_text()) == told[tag], (
            "call: python -m tests.wallet_tools"
        )


def test_what_a_sentence_names_is_said_so_on_its_button_in_every_language() -> None:
    named = [(key, name) for key, text in ENGLISH.items() for name in re.findall(r"[“\"]([^{”\"]+)[”\"]", text)]
    assert {name for key, name in named if key == "error.not_ready"} == {"Get ready", ENGLISH["book.more"]}
    own = catalogues()
    wrong = []
    for key, name in named:
        buttons = [button for button, text in ENGLISH.items() if text == name]
        for tag, told in own.items():
            sentences = told["sentences"]
            if not any(sentences[button] in sentences[key] for button in buttons):
                wrong.append((tag, key, name))
    assert wrong == []
