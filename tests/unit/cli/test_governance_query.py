import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.unit.cli.conftest import EXAMPLE, Run
from tests.unit.cli.office import HOST, Office, served
from tests.unit.http.tls_host import PrivateAuthority

from wanderbuch.governance.divided.division import divide

COLOMBO = "did:webvh:QmExampCoLomboWeLding1111111111111111111111111:centre.wanderbuch.test:org"
FOLDER = "governance/lk"
URL = f"https://{HOST}/{FOLDER}"


def question(source: str | Path | None, *more: str, **changes: str) -> tuple[str, ...]:
    given = {"issuer": "Colombo", "occupation": "C7212", "jurisdiction": "MLT", "on": "2024-05-01", **changes}
    words = (word for name, text in given.items() for word in (f"--{name}", text))
    return ("governance", "query", *(() if source is None else (str(source),)), *words, *more)


@pytest.fixture
def site(run: Run, office: Office, tmp_path: Path) -> Path:
    """The published folder of the office's file."""
    run(*office.sign("--freshness-out", str(office.freshness)))
    folder = tmp_path / FOLDER
    words = ("--author", office.did, *office.offline(), "--freshness", str(office.freshness))
    assert run("governance", "publish", str(office.signed), "--folder", str(folder), *words)[0] == 0
    return folder


@pytest.mark.parametrize(
    ("changes", "code", "verdict"),
    [
        ({}, 0, "TRUSTED"),
        ({"level": "3"}, 0, "TRUSTED"),
        ({"level": "6"}, 1, "NOT_TRUSTED"),
        ({"occupation": "C7213"}, 1, "NOT_TRUSTED"),
        ({"jurisdiction": "DEU"}, 1, "NOT_TRUSTED"),
        ({"on": "2021-05-01"}, 1, "NOT_TRUSTED"),
        ({"issuer": "did:example:nobody"}, 1, "NOT_TRUSTED"),
    ],
)
def test_an_unsigned_file_answers_and_says_that_nobody_vouches(
    run: Run, changes: dict[str, str], code: int, verdict: str
) -> None:
    exit_code, out, _ = run(*question(EXAMPLE, "--json", **changes))
    answer = json.loads(out)
    assert (exit_code, answer["verdict"]) == (code, verdict)
    assert "explain.unchecked" in {reason["code"] for reason in answer["reasons"]}


def test_a_signed_file_needs_its_author_and_a_freshness_statement(run: Run, office: Office, site: Path) -> None:
    signed = site / "current.jws"
    code, _, err = run(*question(signed, *office.offline()))
    assert code == 2
    assert "--author" in err
    code, out, _ = run(*question(signed, "--author", office.did, *office.offline()))
    assert (code, out.splitlines()[0]) == (2, "STALE")
    freshness = ("--freshness", str(site / "freshness.jws"))
    code, out, _ = run(*question(signed, "--author", office.did, *office.offline(), *freshness))
    assert (code, out.splitlines()[0]) == (0, "TRUSTED")
    assert run(*question(signed, "--author", "did:example:other", *office.offline(), *freshness))[0] == 1


def test_a_published_folder_answers_until_its_freshness_ends(run: Run, office: Office, site: Path) -> None:
    words = ("--author", office.did, *office.offline())
    code, out, _ = run(*question(site, *words))
    assert (code, out.splitlines()[0]) == (0, "TRUSTED")
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    code, out, _ = run(*question(site, *words, "--at", later))
    assert (code, out.splitlines()[0]) == (2, "STALE")


def test_a_divided_file_answers_with_all_its_parts(run: Run, office: Office, tmp_path: Path) -> None:
    root, parts = divide(json.loads(office.file.read_text()), 1)
    office.file.write_text(json.dumps(root))
    run(*office.sign("--freshness-out", str(office.freshness)))
    words = ("--author", office.did, *office.offline(), "--freshness", str(office.freshness))
    code, _, err = run(*question(office.signed, *words))
    assert code == 2
    assert "--parts" in err
    for digest, part in parts.items():
        (tmp_path / f"{digest.removeprefix('sha256:')}.json").write_bytes(part)
    assert run(*question(office.signed, *words, "--parts", str(tmp_path)))[0] == 0


def test_an_address_and_a_bundle_answer_alike(run: Run, office: Office, site: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "facts.zip"
    pinned = ("--author", office.did)
    with served(PrivateAuthority(tmp_path), tmp_path) as host:
        network = office.network(host)
        code, out, err = run(*question(URL, *pinned, *network))
        assert (code, out.splitlines()[0]) == (0, "TRUSTED"), err
        assert run(*question(f"{URL}/current.jws", *pinned, *network))[0] == 0
        assert run(*question(URL, "--author", "did:example:other", *network))[0] == 2
        assert run(*question(f"https://{HOST}/nothing", *pinned, *network))[0] == 2
        code, out, err = run("governance", "bundle", URL, *pinned, "--out", str(bundle), *network, "--json")
        assert code == 0, err
        assert json.loads(out)["version"] == 1
        code, _, err = run("governance", "bundle", URL, "--author", "did:example:x", "--out", str(bundle), *network)
        assert code == 1
    code, out, _ = run(*question(None, "--bundle", str(bundle), *pinned))  # no network any more
    assert (code, out.splitlines()[0]) == (0, "TRUSTED")
    assert "old" in out
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    code, out, _ = run(*question(None, "--bundle", str(bundle), *pinned, "--at", later))
    assert (code, out.splitlines()[0]) == (2, "STALE")
    assert "the answer was TRUSTED" in out
    assert run(*question(None, "--bundle", str(bundle), "--author", "did:example:other"))[0] == 1
    assert run(*question(None, "--bundle", str(bundle)))[0] == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"authorized": False}, 1),
        ({"authorized": False, "context": {"verdict": "STALE"}}, 2),
        ({"authorized": "yes"}, 2),
        ({"entity_id": "did:example:another"}, 2),
        ({"resource": "occupation=C7411;place=MLT"}, 2),
    ],
)
def test_a_trqp_service_is_asked_and_its_answer_must_be_to_this_question(
    run: Run, office: Office, tmp_path: Path, changes: dict[str, Any], code: int
) -> None:
    asked: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(await request.json())
        echo = {name: text for name, text in asked[-1].items() if name != "context"}
        return web.json_response({**echo, "authorized": True, "time_evaluated": "2026-11-22T12:00:00Z", **changes})

    with served(PrivateAuthority(tmp_path), tmp_path) as host:
        host.handlers["trqp/2.0/authorization"] = answer
        words = ("--trqp", f"https://{HOST}/trqp/2.0", "--author", office.did, "--level", "4", *office.network(host))
        exit_code, _, err = run(*question(None, *words, issuer=COLOMBO))
        assert exit_code == code, err
        exit_code, _out, _ = run(*question(None, *words, "--json", issuer=COLOMBO))
        assert exit_code == code
    (first, _) = asked
    assert (first["entity_id"], first["authority_id"], first["action"]) == (COLOMBO, office.did, "issue")
    resource = "occupation=C7212;place=MLT;eqf=4;type=qualification/1.0;purpose=employment;awarded=2024-05-01"
    assert (first["resource"], first["context"]) == (resource, {})


@pytest.mark.parametrize(
    ("occupation", "code", "told"),
    [
        ("C722", 0, "TRUSTED"),
        ("C721", 1, "C7213 (Sheet-metal workers)"),
        ("C72", 1, "C7213 (Sheet-metal workers)"),
        ("C7299", 2, "C7234 (Bicycle and related repairers)"),
        ("7212", 2, "C7212 (Welders and flamecutters)"),
        ("c7212", 2, "C7212 (Welders and flamecutters)"),
    ],
)
def test_a_group_is_answered_as_a_whole_and_an_unknown_code_with_the_nearest(
    run: Run, occupation: str, code: int, told: str
) -> None:
    exit_code, out, err = run(*question(EXAMPLE, occupation=occupation))
    assert exit_code == code
    assert told in " ".join((out + err).split())
    explained = ("--issuer", "Colombo", "--jurisdiction", "MLT", "--awarded", "2024", "--occupation", occupation)
    exit_code, out, err = run("governance", "explain", str(EXAMPLE), *explained)
    assert exit_code == code
    assert told in " ".join((out + err).split())


@pytest.mark.parametrize("issuer", [f"{COLOMBO}#key-1", COLOMBO.upper(), f"{COLOMBO}/", f" {COLOMBO}"])
def test_an_issuer_in_another_spelling_is_refused_and_not_answered_with_no(run: Run, issuer: str) -> None:
    code, out, err = run(*question(EXAMPLE, issuer=issuer))
    assert (code, out) == (2, "")
    assert "expected a DID" in err


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("2022-06-30T09:59:59Z", 1),
        ("2022-06-30T10:00:00Z", 0),  # 1 July, the first day of the mandate, in UTC+14
        ("2022-06-30t20:00:00z", 0),
        ("2022-06-30", 1),  # a day is asked about as it is written
        ("2022-07-01", 0),
    ],
)
def test_without_a_day_the_instant_is_asked_about(run: Run, at: str, code: int) -> None:
    words = ("--issuer", "Colombo", "--occupation", "C7212", "--jurisdiction", "MLT", "--at", at)
    assert run("governance", "query", str(EXAMPLE), *words)[0] == code


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("it is\x1b[2J\x1b]0;mine\x07 well\x9b31m\r\nTRUSTED\u202e", "answers no: it is[2J]0;mine well31m TRUSTED\n"),
        ("ක්\u200dෂ", "answers no: ක්\u200dෂ\n"),
        ("x" * 30_000, f"answers no: {'x' * 500}…\n"),
        ("\x1b", "answers no: without a reason\n"),
        (["a", "b"], "answers no: without a reason\n"),
    ],
)
def test_what_a_trqp_service_says_cannot_steer_the_terminal(
    run: Run, office: Office, tmp_path: Path, message: object, shown: str
) -> None:
    async def answer(request: web.Request) -> web.Response:
        echo = {name: text for name, text in (await request.json()).items() if name != "context"}
        return web.json_response({**echo, "authorized": False, "message": message})

    with served(PrivateAuthority(tmp_path), tmp_path) as host:
        host.handlers["trqp/2.0/authorization"] = answer
        words = ("--trqp", f"https://{HOST}/trqp/2.0", "--author", office.did, *office.network(host))
        code, out, _ = run(*question(None, *words, issuer=COLOMBO))
    assert code == 1
    assert shown in out
    assert out.count("\n") == 2


def test_mistakes_end_with_2_and_one_line(run: Run, office: Office, tmp_path: Path) -> None:
    for words in (
        question(None),
        question(EXAMPLE, "--bundle", str(EXAMPLE)),
        question(EXAMPLE, occupation="7212"),
        question(EXAMPLE, jurisdiction="Atlantis"),
        question(EXAMPLE, on="2024"),
        question(EXAMPLE, issuer="example"),
        question(EXAMPLE, "--at", "now"),
        question(tmp_path),
        question(tmp_path / "none"),
        question("https://ministry.wanderbuch.test/x"),
        question("http://ministry.wanderbuch.test/x", "--author", office.did),
        question(None, "--bundle", str(tmp_path / "none"), "--author", "nobody"),
        question(None, "--trqp", "https://127.0.0.1/trqp", "--author", office.did, issuer=COLOMBO),
    ):
        code, _, err = run(*words)
        assert (code, err.count("\n")) == (2, 1), (words, err)


def test_explain_shows_the_chain_of_recognition(run: Run) -> None:
    files = EXAMPLE.parent
    malta = files / "malta.example.json"
    words = ("--issuer", "Colombo", "--occupation", "C7212", "--jurisdiction", "MLT", "--awarded", "2024-05-01")
    alone, out, _ = run(
        "governance", "explain", str(malta), *words, "--recognised", str(EXAMPLE), "--level", "3", "--json"
    )
    answer = json.loads(out)
    assert alone == 0, answer["reasons"]
    assert [link["authority"] for link in answer["chain"]] == [json.loads(EXAMPLE.read_bytes())["author"]]
    code, out, _ = run("governance", "explain", str(malta), *words, "--recognised", str(EXAMPLE), "--level", "3")
    assert code == 0
    assert "by way of" in out
