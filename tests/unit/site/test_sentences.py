"""The catalogues of every package with pages: whole, in step with their templates, and with a form for each number."""

from importlib import resources
from pathlib import Path

import polib
import pytest
from tests.unit.site.keys import Keys, keys_in_use, placeholders, said_in_template, unknown_keys
from tests.words import brought_up, packages_with_sentences, tags_of

from wanderbuch.agents.site.languages import FOR_WORKERS, LANGUAGES
from wanderbuch.agents.site.rendering import LINK_PAGES, SITE, Kit
from wanderbuch.agents.site.sentences import ENGLISH, catalogue, form_of, template_of, translation_of

OF_WORKERS = [LINK_PAGES, "wanderbuch.agents.issuer.pages"]
"""Packages of pages that workers meet: in their languages too."""
PACKAGES = packages_with_sentences()
TEMPLATES_OF_WORKERS = {
    SITE: (
        "layout.html",
        "front.html",
        "root.html",
        "invitation.html",
        "open_in.html",
        "carried.html",
        "closed.html",
        "failure.html",
    ),
    "wanderbuch.agents.issuer.pages": ("claim.html", "claim_offer.html", "claim_unknown.html"),
}
BELOW = {
    "wanderbuch.agents.authority.pages": ["wanderbuch.agents.people.pages", "wanderbuch.agents.authority.intake"],
    "wanderbuch.agents.authority.intake": ["wanderbuch.agents.people.pages", "wanderbuch.agents.authority.pages"],
    "wanderbuch.agents.verifier.pages": ["wanderbuch.agents.people.pages", "wanderbuch.agents.verifier.getting_in"],
    "wanderbuch.agents.verifier.getting_in": ["wanderbuch.agents.verifier.pages"],
    "wanderbuch.agents.issuer.console": ["wanderbuch.agents.people.pages"],
}
"""Whose sentences the pages of a package say beside their own and the site's."""

each_catalogue = pytest.mark.parametrize(
    ("package", "tag"), [(package, tag) for package in PACKAGES for tag in tags_of(package)], ids=str
)


def test_every_package_with_pages_is_looked_at() -> None:
    assert {SITE, "wanderbuch.agents.authority.pages", *OF_WORKERS} <= set(PACKAGES)


def test_what_a_worker_meets_is_said_in_every_language_of_workers() -> None:
    """All that the templates of links and slips say: of an institution's reasons the English stands there, marked."""
    assert [
        package_name for package_name in PACKAGES if set(tags_of(package_name)) == FOR_WORKERS.keys() - {ENGLISH}
    ] == sorted(OF_WORKERS)
    keys, known = Keys(), {key for package_name in OF_WORKERS for key in catalogue(package_name, ENGLISH)}
    for package, names in TEMPLATES_OF_WORKERS.items():
        for name in names:
            with resources.as_file(resources.files(package).joinpath("templates", name)) as path:
                keys.add(said_in_template(path.read_text("utf-8")))
    assert keys.whole - known == set()
    assert len(keys.whole) > 50
    every = {key for package_name in PACKAGES for key in catalogue(package_name, ENGLISH)}
    others = {key for key in every - known for beginning in keys.beginnings if key.startswith(beginning)}
    assert others == set()


@each_catalogue
def test_every_language_says_everything_and_nothing_more(package: str, tag: str) -> None:
    translation = translation_of(package, tag)
    assert [entry.msgctxt for entry in translation] == [entry.msgctxt for entry in template_of(package)]
    assert [entry.msgctxt for entry in translation.untranslated_entries()] == []
    assert [entry.msgctxt for entry in translation.fuzzy_entries()] == []


@each_catalogue
def test_what_was_translated_is_what_the_template_says_now(package: str, tag: str) -> None:
    english = {entry.msgctxt: (entry.msgid, entry.msgid_plural) for entry in template_of(package)}
    for entry in translation_of(package, tag):
        assert (entry.msgid, entry.msgid_plural) == english[entry.msgctxt], "call: python -m tests.words"


@each_catalogue
def test_a_sentence_has_the_same_placeholders_in_every_language(package: str, tag: str) -> None:
    english = catalogue(package, ENGLISH)
    for key, sentence in catalogue(package, tag).items():
        wanted = placeholders(english[key].forms[-1])
        number, *others = reversed(sentence.forms)
        assert placeholders(number) == wanted, key
        for form in others:  # a form for one number may say it in words: "one institution"
            assert wanted - {"count"} <= placeholders(form) <= wanted, key


@each_catalogue
def test_a_sentence_with_a_number_has_a_form_for_each_kind_of_number(package: str, tag: str) -> None:
    count, rule = form_of(translation_of(package, tag))
    assert {rule(number) for number in range(1001)} == set(range(count))
    for entry in translation_of(package, tag):
        assert sorted(entry.msgstr_plural) == (list(range(count)) if entry.msgid_plural else [])


@each_catalogue
def test_languages_are_translated_and_not_copied(package: str, tag: str) -> None:
    same = [
        entry.msgctxt
        for entry in translation_of(package, tag)
        if entry.msgstr == entry.msgid and any(map(str.isalpha, entry.msgid)) and not placeholders(entry.msgid)
    ]
    assert len(same) < 20, same


@pytest.mark.parametrize("package", PACKAGES)
def test_a_number_that_changes_the_sentence_is_called_count(package: str) -> None:
    for entry in template_of(package):
        names = placeholders(entry.msgid_plural or entry.msgid)
        assert ("count" in names) == bool(entry.msgid_plural), entry.msgctxt


@pytest.mark.parametrize("package", PACKAGES)
def test_pages_say_only_what_the_catalogues_know(package: str) -> None:
    own = [] if package in (SITE, LINK_PAGES) else [*BELOW.get(package, ()), package]
    assert unknown_keys(package, Kit(*own).catalogues.sentences(ENGLISH).keys()) == []


def test_every_sentence_is_said_somewhere() -> None:
    in_use = keys_in_use(PACKAGES)
    unused = [(name, key) for name in PACKAGES for key in catalogue(name, ENGLISH) if not in_use.has(key)]
    assert unused == []


@pytest.mark.parametrize("package", [name for name in PACKAGES if name not in (SITE, LINK_PAGES)])
def test_no_sentence_of_a_role_hides_one_of_the_site(package: str) -> None:
    of_site = catalogue(SITE, ENGLISH).keys() | catalogue(LINK_PAGES, ENGLISH).keys()
    assert not catalogue(package, ENGLISH).keys() & of_site


def test_no_sentence_of_the_site_stands_twice() -> None:
    assert not catalogue(SITE, ENGLISH).keys() & catalogue(LINK_PAGES, ENGLISH).keys()


@pytest.mark.parametrize("package", BELOW)
def test_causes_questions_and_answers_of_lists_are_said_by_one_package_of_a_desk(package: str) -> None:
    every = [key for name in (SITE, *BELOW[package], package) for key in catalogue(name, ENGLISH)]
    of_lists = [key for key in every if key.startswith(("cause.", "asked.", "reply."))]
    assert len(of_lists) >= 50
    assert [key for key in set(of_lists) if of_lists.count(key) > 1] == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "لا أخطاء للتصحيح"),
        (1, "صحّح خطأ واحدًا"),
        (2, "صحّح خطأين"),
        (3, "صحّح 3 أخطاء"),
        (11, "صحّح 11 خطأ"),
        (100, "صحّح 100 خطأ"),
        (103, "صحّح 103 أخطاء"),
    ],
)
def test_arabic_tells_six_kinds_of_number_apart(number: int, expected: str) -> None:
    assert Kit().words(LANGUAGES["ar"])("form.problems", count=number) == expected


@pytest.mark.parametrize(("tag", "number"), [("en", 0), ("en", 2), ("fr", 2), ("es", 0)])
def test_several_are_several(tag: str, number: int) -> None:
    words = Kit().words(LANGUAGES[tag])
    assert words("form.problems", count=number) != words("form.problems", count=1).replace("1", str(number))


def test_none_is_singular_in_french() -> None:
    assert Kit().words(LANGUAGES["fr"])("form.problems", count=0) == "Veuillez corriger 0 erreur"


def test_a_number_must_be_one() -> None:
    with pytest.raises(TypeError):
        Kit().words(LANGUAGES["en"])("form.problems", count="two")


def a_catalogue(tag: str, *entries: polib.POEntry) -> polib.POFile:
    file = polib.POFile()
    file.metadata = {"Language": tag, "Plural-Forms": "nplurals=2; plural=(n != 1);"}
    file.extend(entries)
    return file


def test_what_is_not_translated_yet_is_said_in_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "seedling" / "catalogues"
    folder.mkdir(parents=True)
    (tmp_path / "seedling" / "__init__.py").touch()
    a_catalogue(
        "en", *(polib.POEntry(msgctxt=key, msgid=key.upper()) for key in ("done", "doubtful", "missing", "new"))
    ).save(str(folder / "messages.pot"))
    a_catalogue(
        "fr",
        polib.POEntry(msgctxt="done", msgid="DONE", msgstr="FAIT"),
        polib.POEntry(msgctxt="doubtful", msgid="OLD", msgstr="VIEUX", flags=["fuzzy"]),
        polib.POEntry(msgctxt="missing", msgid="MISSING"),
    ).save(str(folder / "fr.po"))
    monkeypatch.syspath_prepend(tmp_path)
    mapping = catalogue("seedling", "fr")
    assert {key: sentence.forms for key, sentence in mapping.items()} == {
        "done": ("FAIT",),
        "doubtful": ("DOUBTFUL",),
        "missing": ("MISSING",),
        "new": ("NEW",),
    }


def test_a_catalogue_is_brought_up_to_its_template_and_keeps_what_was_translated() -> None:
    template = a_catalogue(
        "en",
        polib.POEntry(msgctxt="b", msgid="Same", comment="A button."),
        polib.POEntry(msgctxt="a", msgid="Changed now"),
        polib.POEntry(msgctxt="n", msgid="{count} file", msgid_plural="{count} files"),
    )
    old = a_catalogue(
        "fr",
        polib.POEntry(msgctxt="a", msgid="Before", msgstr="Avant"),
        polib.POEntry(msgctxt="gone", msgid="Gone", msgstr="Parti"),
        polib.POEntry(msgctxt="b", msgid="Same", msgstr="Pareil", tcomment="checked"),
    )
    merged = brought_up(template, old)
    assert [(entry.msgctxt, entry.msgid, entry.msgstr, entry.flags) for entry in merged] == [
        ("b", "Same", "Pareil", []),
        ("a", "Changed now", "Avant", ["fuzzy"]),
        ("n", "{count} file", "", []),
    ]
    assert (merged[0].comment, merged[0].tcomment) == ("A button.", "checked")
    assert merged[2].msgstr_plural == {0: "", 1: ""}
    assert str(brought_up(template, merged)) == str(merged)
