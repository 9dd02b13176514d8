"""What is asked of a wallet host, over its socket: by workers, by strangers, by who would lock a worker out."""

import base64
import gzip
import json
import logging
import re
from dataclasses import replace
from hashlib import sha256

import aiohttp
import pytest
from tests.unit.wallet_host.conftest import MEDIATOR
from tests.unit.wallet_host.worker import Answer, HostSite, Worker, text

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.wallet_host.page_files import PageFile, PageFiles, load_page
from wanderbuch.store.schema import OF_A_TENANT
from wanderbuch.store.tables import tables_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_worker_writes_reads_goes_on_elsewhere_and_deletes(site: HostSite) -> None:
    worker = Worker(site)
    assert (await worker.read()).status == 404
    first = await worker.write(b"first", after=0)
    assert (first.status, first.tag) == (204, '"1"')
    assert {name.lower() for name in first.headers} <= {"etag", "date", "content-type", "connection"}
    assert (await worker.write(b"second", after=1)).tag == '"2"'
    whole = await worker.read()
    assert (whole.status, whole.tag, whole.headers["vault-base"]) == (200, '"2"', "1")
    assert whole.revisions == [b"first", b"second"]
    assert whole.headers["cache-control"] == "no-store"
    assert (await worker.read(**{"If-None-Match": '"2"'})).status == 304

    meant = {"If-None-Match": '"2"', "Vault-Newest": sha256(b"second").hexdigest()}
    assert (await worker.read(**meant)).status == 304
    assert (await worker.read(**{**meant, "Vault-Newest": sha256(b"other").hexdigest()})).status == 200
    assert (await worker.read(**{**meant, "Vault-Newest": "other"})).status == 400

    other_phone = Worker(site, key=worker.key)
    assert (await other_phone.write(b"taken over", after=2, is_base=True)).tag == '"3"'
    late = await worker.write(b"late", after=2)
    assert (late.status, late.tag) == (412, '"3"')
    assert (await other_phone.read()).revisions == [b"taken over"]

    assert (await other_phone.delete()).status == 204
    gone = [await worker.read(), await worker.write(b"again", after=0)]
    assert [answer.status for answer in gone] == [410, 410]
    # With the signature of who deleted it: the page believes nobody else.
    assert [answer.headers["vault-signature"] for answer in gone] == [worker.signature("delete", 0, b"")] * 2


async def test_a_vault_without_its_revisions_is_not_said_to_be_deleted(site: HostSite, host: RunningAgent) -> None:
    worker = Worker(site, network="203.0.113.41")
    assert (await worker.write(b"mine", after=0)).status == 204
    engine = tables_of(host.profile).engine
    await engine.run("DELETE FROM vault_revision WHERE sealed = ?", b"mine")
    assert (await worker.read()).status == 503


async def test_nobody_else_writes_or_deletes_and_nothing_said_once_counts_elsewhere(site: HostSite) -> None:
    worker, stranger = Worker(site), Worker(site, network="203.0.113.9")
    assert (await worker.write(b"mine", after=0)).status == 204
    key = worker.headers["Vault-Key"]
    forged = {
        "another's signature": await stranger.write(b"forged", after=1, is_base=True, Vault_Key=key),
        "of another content": await worker.write(
            b"forged", after=1, Vault_Signature=worker.signature("further", 1, b"x")
        ),
        "of another number": await worker.write(
            b"forged", after=1, Vault_Signature=worker.signature("further", 0, b"forged")
        ),
        "as a base": await worker.write(
            b"forged", after=1, is_base=True, Vault_Signature=worker.signature("further", 1, b"forged")
        ),
        "to delete": await site.ask(
            "DELETE", "/vault", {**worker.headers, "Vault-Signature": stranger.signature("delete", 0, b"")}
        ),
        "a key of small order": await site.ask(
            "DELETE", "/vault", {"Vault-Key": text(bytes(32)), "Vault-Signature": text(bytes(64))}
        ),
    }
    assert {name: answer.status for name, answer in forged.items() if answer.status not in {403, 404}} == {}
    elsewhere = Worker(HostSite("other.wanderbuch.test", site.port, site.ca_file, site.session), key=worker.key)
    signed_elsewhere = elsewhere.signature("further", 1, b"forged")
    assert (await worker.write(b"forged", after=1, Vault_Signature=signed_elsewhere)).status == 403
    assert (await worker.read()).revisions == [b"mine"]


async def test_odd_calls_are_refused_and_write_nothing(site: HostSite) -> None:
    worker = Worker(site, network="192.0.2.1")
    key, signature = worker.headers["Vault-Key"], worker.signature("base", 0, b"x")
    makes = {"If-None-Match": "*", "Vault-Base": "?1", "Vault-Signature": signature}
    odd: dict[str, tuple[int, dict[str, str], bytes]] = {
        "no key": (400, makes, b"x"),
        "a short key": (400, {**makes, "Vault-Key": key[:-1]}, b"x"),
        "a key with an address in it": (400, {**makes, "Vault-Key": f"/{key[1:]}"}, b"x"),
        "no signature": (400, {"Vault-Key": key, "If-None-Match": "*", "Vault-Base": "?1"}, b"x"),
        "no number": (428, {"Vault-Key": key, "Vault-Signature": signature}, b"x"),
        "two numbers": (428, {**makes, "Vault-Key": key, "If-Match": '"1"'}, b"x"),
        "number 0": (400, {"Vault-Key": key, "Vault-Signature": signature, "If-Match": '"0"'}, b"x"),
        "number 01": (400, {"Vault-Key": key, "Vault-Signature": signature, "If-Match": '"01"'}, b"x"),
        "a number beyond": (400, {"Vault-Key": key, "Vault-Signature": signature, "If-Match": f'"{2**53}"'}, b"x"),
        "any number": (400, {"Vault-Key": key, "Vault-Signature": signature, "If-Match": "*"}, b"x"),
        "no base": (400, {"Vault-Key": key, "If-None-Match": "*", "Vault-Signature": signature}, b"x"),
        "nothing": (400, {**makes, "Vault-Key": key}, b""),
        "too much": (413, {**makes, "Vault-Key": key}, bytes(48 * 1024 + 1)),
    }
    answers = {name: await site.ask("PUT", "/vault", headers, body) for name, (_, headers, body) in odd.items()}
    wrong = {name: got.status for name, got in answers.items() if got.status != odd[name][0]}
    assert wrong == {}
    assert (await worker.read()).status == 404
    assert (await site.ask("POST", "/vault", {**makes, "Vault-Key": key}, b"x")).status == 405


async def test_a_network_makes_and_writes_so_much_a_day_and_others_go_on(site: HostSite) -> None:
    crowd = "192.0.2.129"
    first, large = Worker(site, network=crowd), bytes(48 * 1024)
    assert (await first.write(large, after=0)).status == 204
    others = [(await Worker(site, network=crowd).write(large, after=0)).status for _ in range(29)]
    more = [(await first.write(large, after=number, is_base=True)).status for number in range(1, 14)]
    assert (set(others), more) == ({204}, [204] * 12 + [429])  # 42 of 48 KiB are nearly 2 MiB
    assert (await Worker(site, network="198.19.7.1").write(b"x", after=0)).status == 204


async def test_one_vault_takes_so_many_revisions_and_is_given_out_so_often_a_minute(site: HostSite) -> None:
    worker = Worker(site, network="203.0.113.77")
    assert (await worker.write(b"0", after=0)).status == 204
    written = [(await worker.write(bytes([n]), after=n, is_base=True)).status for n in range(1, 21)]
    assert written == [204] * 19 + [429]
    # Who has not the key uses up nothing of it.
    stranger = Worker(site, network="203.0.113.200")
    forged = [(await stranger.write(b"x", after=1, Vault_Key=worker.headers["Vault-Key"])).status for _ in range(25)]
    assert set(forged) == {403}
    answers: list[Answer] = [await worker.read() for _ in range(13)]
    assert [answer.status for answer in answers] == [200] * 12 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert (await worker.read(**{"If-None-Match": '"20"'})).status == 304


async def test_what_is_kept_and_logged_names_no_vault_no_network_and_no_time_but_the_day(
    site: HostSite, host: RunningAgent, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    worker = Worker(site, network="203.0.113.66")
    assert (await worker.write(b"ciphertext of a wallet", after=0)).status == 204
    assert (await worker.read()).status == 200
    engine = tables_of(host.profile).engine
    kept = repr([await engine.run(f"SELECT * FROM {table}") for table in (*OF_A_TENANT, "meta", "lease", "number")])  # noqa: S608
    public = worker.key.public_key().public_bytes_raw()
    for name, secret in {
        "key": worker.headers["Vault-Key"],
        "raw key": repr(public)[2:-1],
        "key in hexadecimal": public.hex(),
        "network": "203.0.113",
    }.items():
        assert secret not in kept, name
        assert secret not in caplog.text, name
    assert "ciphertext of a wallet" in kept
    assert "ciphertext" not in caplog.text
    (row,) = await engine.run("SELECT count(*), max(day) FROM vault WHERE bytes > 0")
    assert 20_000 < row[1] < 100_000


async def test_the_page_comes_from_an_origin_where_nothing_else_is(site: HostSite, handle: AgentHandle) -> None:
    folder = handle.public_folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "note.html").write_text("<script>alert(1)</script>")
    settings = await site.ask("GET", "/settings.json", {})
    assert json.loads(settings.body) == {
        "direct": False,
        "governance": None,
        "mediator": MEDIATOR,
        "name": "Wallets of Lanka",
        "origin": "https://wallet.wanderbuch.test",
    }
    rules = (await site.ask("GET", "/", {})).headers["content-security-policy"].split("; ")
    assert "connect-src 'self' https://mediator.wanderbuch.test wss://mediator.wanderbuch.test" in rules
    assert not [rule for rule in rules if "unsafe" in rule or "*" in rule or rule.endswith(" https:")]
    assert "access-control-allow-origin" not in settings.headers
    paths = ("/note.html", "/org/note.html", "/x/settings.json", "/tails/x", "/i/x", "/settings.json/", "/../role.py")
    others = {path: (await site.ask("GET", path, {})).status for path in paths}
    assert others == dict.fromkeys(paths, 404)
    assert (await site.ask("POST", "/didcomm", {}, b"{}")).status in {400, 403, 404}
    unzipped = await site.ask("GET", "/settings.json", {"Accept-Encoding": "identity"})
    assert unzipped.body == settings.body
    assert (await site.ask("GET", "/settings.json", {"If-None-Match": str(settings.tag)})).status == 304


async def test_every_file_of_the_page_is_what_its_name_says() -> None:
    files = load_page({})
    assert {name for name, file in files.items() if gzip.decompress(file.zipped) != file.body} == set()
    assert {name for name, file in files.items() if file.brotli is None} == {"settings.json"}
    assert all(len(file.brotli) < len(file.zipped) for file in files.values() if file.brotli is not None)
    without = {name for name, file in files.items() if not file.has_policy and not name.startswith("words/")}
    assert without == {
        *("app.webmanifest", "settings.json"),
        *("chunk.js", "decoder.js", "offline.js", "page.js", "session.js"),
    }
    odd = PageFile.of("index.html", b"<!doctype html>")
    assert PageFiles({"index.html": odd}, mediator=None, direct=True).names == {"/", "/index.html"}


async def test_the_policy_lets_one_script_and_one_style_of_the_page_be_by_their_digests(site: HostSite) -> None:
    page = await site.ask("GET", "/", {"Accept-Encoding": "identity"})
    rules = page.headers["content-security-policy"].split("; ")
    for kind in ("script", "style"):
        (inline,) = re.findall(f"<{kind}>(.*?)</{kind}>".encode(), page.body, re.DOTALL)
        digest = base64.b64encode(sha256(inline).digest()).decode()
        assert [rule for rule in rules if rule.startswith(f"{kind}-src")] == [f"{kind}-src 'self' 'sha256-{digest}'"]
    assert page.body.count(b"<script") == 2  # the other one has an address, and nothing between its marks
    assert page.body.count(b"<style") == 1


async def test_a_browser_that_asks_for_a_picture_by_itself_gets_the_icon(site: HostSite) -> None:
    icon = await site.ask("GET", "/favicon.ico", {"Accept-Encoding": "identity"})
    assert (icon.status, icon.headers["content-type"]) == (200, "image/svg+xml")
    assert icon.body == load_page({})["icon.svg"].body


async def test_who_takes_brotli_gets_it_and_pages_and_workers_alone_have_the_policy(site: HostSite) -> None:
    page = load_page({})["session.js"]
    bodies = {"br": page.brotli, "gzip": page.zipped, None: page.body}
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        as_it_comes = replace(site, session=session)
        for taken, encoding in (("gzip, deflate, br, zstd", "br"), ("gzip, x-br", "gzip"), ("identity", None)):
            script = await as_it_comes.ask("GET", "/session.js", {"Accept-Encoding": taken})
            assert (script.headers.get("content-encoding"), script.body) == (encoding, bodies[encoding])
            assert script.tag == f'"{page.tag}"'
            assert "content-security-policy" not in script.headers
            assert "strict-transport-security" not in script.headers  # the page itself says it
            assert script.headers["x-content-type-options"] == "nosniff"
    for path in ("/", "/worker.js", "/keeper.js", "/icon.svg", "/nothing.json"):
        answer = await site.ask("GET", path, {})
        assert "default-src 'none'" in answer.headers["content-security-policy"], path
        assert answer.headers["x-frame-options"] == "DENY", path
        assert answer.headers["strict-transport-security"] == "max-age=31536000", path
