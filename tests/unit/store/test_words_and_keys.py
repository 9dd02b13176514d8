"""Search by equality, and the index of own keys."""

import pytest

from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.hashing import KeyedHash, normalised
from wanderbuch.store.rows import Indexed
from wanderbuch.store.schema import OF_A_TENANT
from wanderbuch.store.tables import Tables

_KIND = "wanderbuch.case"


async def _add(tables: Tables, record_id: str, tenant: str = "default", **words: str) -> None:
    await tables.rows.add(tenant, _KIND, Indexed(record_id, words=words), is_new=True)


async def test_finds_a_word_whatever_its_case_and_spaces(tables: Tables) -> None:
    await _add(tables, "a", name="  José   MÜLLER ")
    await _add(tables, "b", name="José Müller-Lüdenscheid")
    for wanted in ("josé müller", "JOSE\u0301 MU\u0308LLER", "josé\u00a0müller"):
        assert await tables.words.find("default", _KIND, {"name": wanted}) == ["a"]
    for other in ("josé", "jose muller", "josé müller x", ""):
        assert await tables.words.find("default", _KIND, {"name": other}) == []


async def test_all_words_of_a_search_must_fit(tables: Tables) -> None:
    await _add(tables, "a", name="Ada", state="open")
    await _add(tables, "b", name="Ada", state="closed")
    await _add(tables, "c", name="Ada", state="open")
    assert await tables.words.find("default", _KIND, {"name": "ada", "state": "open"}) == ["a", "c"]
    assert await tables.words.find("default", _KIND, {"name": "ada"}, limit=2) == ["a", "b"]
    assert await tables.words.find("default", _KIND, {"name": "ada", "state": "x"}) == []
    with pytest.raises(ValueError, match="at least one"):
        await tables.words.find("default", _KIND, {})


async def test_the_newest_with_all_words_come_first_however_many_words_there_are(tables: Tables) -> None:
    for record_id, town in (("a", "Linz"), ("b", "Graz"), ("c", "Linz"), ("d", "Linz")):
        await _add(tables, record_id, name="Ada", town=town, state="open")
    for wanted in ({"town": "linz"}, {"name": "ada", "town": "linz"}, {"state": "open", "name": "ada", "town": "linz"}):
        assert [at for _, at in await tables.words.newest("default", _KIND, wanted, limit=2)] == ["d", "c"]
        ((before, _),) = await tables.words.newest("default", _KIND, wanted, limit=1)
        assert [at for _, at in await tables.words.newest("default", _KIND, wanted, limit=9, before=before)] == [
            "c",
            "a",
        ]
    assert await tables.words.newest("default", _KIND, {"name": "eva", "town": "linz"}, limit=2) == []


async def test_states_of_what_has_all_words_are_counted(tables: Tables) -> None:
    for number, state in enumerate(("OPEN", "OPEN", "DONE")):
        words = {"name": "Ada", "town": "Linz" if number else "Graz"}
        await tables.rows.add("default", _KIND, Indexed(str(number), state, words=words), is_new=True)
    await _add(tables, "elsewhere", tenant="other", name="Ada")
    states = tables.words.states
    assert await states("default", _KIND, {"name": "ada"}, most=9) == {"OPEN": 2, "DONE": 1}
    assert await states("default", _KIND, {"name": "ada", "town": "linz"}, most=9) == {"OPEN": 1, "DONE": 1}
    assert sum((await states("default", _KIND, {"name": "ada"}, most=2)).values()) == 2
    assert await states("default", _KIND, {"name": "eva"}, most=9) == {}


async def test_a_word_is_found_in_its_own_tenant_kind_and_field_alone(tables: Tables) -> None:
    await _add(tables, "a", name="Ada")
    assert await tables.words.find("other", _KIND, {"name": "Ada"}) == []
    assert await tables.words.find("default", "wanderbuch.draft", {"name": "Ada"}) == []
    assert await tables.words.find("default", _KIND, {"surname": "Ada"}) == []


async def test_what_changed_is_found_by_its_new_word_alone(tables: Tables) -> None:
    await _add(tables, "a", name="Ada", place="Malta")
    await tables.rows.settle(
        await tables.rows.add("default", _KIND, Indexed("a", words={"name": "Eva", "place": "Malta"}))
    )
    assert await tables.words.find("default", _KIND, {"name": "Ada"}) == []
    assert await tables.words.find("default", _KIND, {"name": "Eva", "place": "malta"}) == ["a"]


async def test_the_tables_hold_no_word(tables: Tables) -> None:
    await _add(tables, "a", tenant="x", name="Ada")
    await _add(tables, "a", tenant="y", name="Ada")
    hashes = [bytes(row[0]) for row in await tables.engine.run("SELECT hash FROM word")]
    assert len(set(hashes)) == 2
    assert all(b"ada" not in tag_hash.lower() and len(tag_hash) == 16 for tag_hash in hashes)


def test_another_key_gives_other_hashes() -> None:
    one, other = KeyedHash(b"1" * 32), KeyedHash(b"2" * 32)
    assert one.of_word("t", "k", "n", "Ada") == one.of_word("t", "k", "n", " ada ")
    assert one.of_word("t", "k", "n", "Ada") != other.of_word("t", "k", "n", "Ada")
    assert one.of("p", "ab", "c") != one.of("p", "a", "bc")
    assert "1" not in repr(one)


def test_normal_form_is_stable() -> None:
    for text in ("ﬀ", "Straße", "İstanbul", "Ⅷ", "ϓ", "x\u2003y\n"):
        assert normalised(normalised(text)) == normalised(text)


async def test_a_key_leads_to_its_tenant(tables: Tables) -> None:
    await tables.keys.add("key-a", "a")
    await tables.keys.add("key-a", "a")
    await tables.keys.add("key-b", "b")
    assert await tables.keys.find(["key-a", "key-b", "key-c"]) == {"key-a": "a", "key-b": "b"}
    assert await tables.keys.find([]) == {}


async def test_a_key_has_one_tenant(tables: Tables) -> None:
    await tables.keys.add("key", "a")
    with pytest.raises(DuplicateError):
        await tables.keys.add("key", "b")
    await tables.keys.remove("key", "b")
    assert await tables.keys.find(["key"]) == {"key": "a"}
    await tables.keys.remove("key", "a")
    assert await tables.keys.find(["key"]) == {}


async def test_a_removed_tenant_leaves_nothing(tables: Tables) -> None:
    for tenant in ("a", "b"):
        await _add(tables, "r", tenant=tenant, name="Ada")
        await tables.keys.add(f"key-{tenant}", tenant)
        await tables.numbers.advance(f"{tenant}/list", 1)
        await tables.numbers.advance(f"{tenant}b/list", 1)
        await tables.rebuild.begin_empty(tenant)
        await tables.engine.run("INSERT INTO lease VALUES (?, '', 1, 0)", f"{tenant}/x")
        await tables.engine.run("INSERT INTO counter (tenant, number) VALUES (?, 1)", tenant)
        await tables.engine.run(
            "INSERT INTO event (tenant, number, at, kind, subject, body, fact) VALUES (?, 1, 0, '', '', '', '')", tenant
        )
        await tables.engine.run(
            "INSERT INTO envelope (id, tenant, size, until, at) VALUES (?, ?, 1, 0, 0)", f"e-{tenant}", tenant
        )
        await tables.engine.run(
            "INSERT INTO untold (id, tenant, about, subject, told, at, due) VALUES (?, ?, '', '', '', 0, 0)",
            *(f"u-{tenant}", tenant),
        )
        await tables.engine.run(
            "INSERT INTO work (tenant, kind, id, state, position, done, at) VALUES (?, '', '', '', '', 0, 0)", tenant
        )
        await tables.engine.run("INSERT INTO mediated (tenant, id, seen, sealed) VALUES (?, 'w', 0, ?)", tenant, b"s")
        await tables.engine.run(
            "INSERT INTO mediated_push (tenant, wallet, told, sealed) VALUES (?, 'w', 0, ?)", tenant, b"s"
        )
        await tables.engine.run(
            "INSERT INTO mediated_key (hash, tenant, wallet, sealed) VALUES (?, ?, 'w', ?)",
            tenant.encode(),
            tenant,
            b"s",
        )
        await tables.engine.run(
            "INSERT INTO mediated_message (tenant, wallet, id, number, hour, size, sealed)"
            " VALUES (?, 'w', 'm', 1, 0, 1, ?)",
            *(tenant, b"s"),
        )
        await tables.engine.run(
            "INSERT INTO vault (tenant, id, number, base, bytes, digest, day) VALUES (?, 'v', 1, 1, 1, '', 0)", tenant
        )
        await tables.engine.run(
            "INSERT INTO vault_revision (tenant, id, number, sealed) VALUES (?, 'v', 1, ?)", tenant, b"s"
        )

    await tables.forget_tenant("a")

    for table in OF_A_TENANT:
        assert await tables.engine.run(f"SELECT DISTINCT tenant FROM {table}") == [("b",)], table  # noqa: S608
    assert await tables.engine.run("SELECT name FROM lease") == [("b/x",)]
    assert await tables.engine.run("SELECT name FROM number ORDER BY name") == [("ab/list",), ("b/list",), ("bb/list",)]
