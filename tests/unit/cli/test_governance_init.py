import io
import json
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import base58
import pytest
from tests.unit.cli.conftest import Run

from wanderbuch.agents.authority.api import AuthorityOut
from wanderbuch.agents.authority.config import AuthorityConfig
from wanderbuch.agents.authority.role import ROLE
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.governance.form.model import CROSSWALK as CROSSWALK_SCHEMA

AUTHOR = "did:webvh:QmExampAuthority111111111111111111111111111111:authority.wanderbuch.test:org"
SCHEMA = f"{AUTHOR}/resources/zQmSchemaQuaLification1111111111111111111111111"


def draft(out: Path, *more: str, **changes: str) -> tuple[str, ...]:
    given = {
        "name": "Skills of Lanka",
        "authority": "Training Authority",
        "author": AUTHOR,
        "schema": f"qualification/1.0={SCHEMA}",
        **changes,
    }
    words = (word for name, text in given.items() if text for word in (f"--{name}", text))
    return ("governance", "init", "--out", str(out), *words, *more)


def settings(path: Path, *more: str, **changes: str) -> tuple[str, ...]:
    given = {
        "authority": 'The "Training" Authority',
        "host": "authority.example.org",
        "ecosystem": "sri-lanka",
        "redress": "https://authority.example.org/appeals",
        **changes,
    }
    words = (word for name, text in given.items() if text for word in (f"--{name}", text))
    return ("governance", "init", "--agent-config", str(path), *words, *more)


def test_writes_a_first_draft_that_is_valid_and_accredits_nobody(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "governance.json"
    code, printed, _ = run(*draft(out, "--website", "https://authority.wanderbuch.test/"))
    assert code == 0
    assert "accredits nobody yet" in printed
    code, printed, _ = run("governance", "validate", str(out), "--strict")
    assert code == 0, printed
    assert "1 participant, 0 accreditations" in printed
    before = out.read_bytes()
    code, printed, _ = run(*draft(out))
    assert (code, "nothing was written" in printed, out.read_bytes()) == (0, True, before)
    code, _, err = run(*draft(out, name="Skills of Ceylon"))
    assert (code, err.count("\n"), out.read_bytes()) == (2, 1, before)
    assert "name was 'Skills of Lanka' and becomes 'Skills of Ceylon'" in err
    code, printed, _ = run(*draft(out, "--force", "--json", name="Skills of Ceylon"))
    changed = json.loads(out.read_bytes())
    assert (code, json.loads(printed)["written"]) == (0, True)
    assert changed | {"last_updated": ""} == json.loads(before) | {"name": "Skills of Ceylon", "last_updated": ""}
    code, printed, _ = run(
        "governance", "query", str(out), "--issuer", AUTHOR, "--occupation", "C7212", "--jurisdiction", "LKA"
    )
    assert (code, printed.splitlines()[0]) == (1, "NOT_TRUSTED")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"author": "did:x"}, 2),
        ({"schema": "qualification"}, 2),
        ({"name": ""}, 2),
        ({"author": ""}, 2),
        ({"website": "javascript:alert(1)"}, 2),
        ({"name": "two\nlines"}, 2),
        ({"author": "did:web:authority.example.org"}, 2),
        ({"schema": "qualification/1.0=did:web:x"}, 2),
        ({"schema": f"Qualification={SCHEMA}"}, 2),
    ],
)
def test_a_draft_that_would_not_be_valid_is_not_written(
    run: Run, tmp_path: Path, changes: dict[str, str], code: int
) -> None:
    out = tmp_path / "governance.json"
    exit_code, _, err = run(*draft(out, **changes))
    assert exit_code == code
    assert err
    assert not out.exists()


def test_says_which_option_is_missing_where_nobody_can_be_asked(run: Run, tmp_path: Path) -> None:
    for words in (draft(tmp_path / "a", name=""), settings(tmp_path / "b", redress="")):
        code, _, err = run(*words)
        assert (code, err.count("\n")) == (2, 1)
        assert "expected --" in err
    for words in (("governance", "init"), (*draft(tmp_path / "a"), "--agent-config", str(tmp_path / "b"))):
        assert run(*words)[0] == 2


class Terminal(io.StringIO):
    """Standard input at which somebody sits."""

    def isatty(self) -> bool:
        return True


def test_asks_at_a_terminal_for_what_no_option_says(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("Skills of Lanka\n"))
    out = tmp_path / "governance.json"
    code, printed, _ = run(*draft(out, name=""))
    assert code == 0
    assert "Name of the ecosystem" in printed
    assert json.loads(out.read_bytes())["name"] == "Skills of Lanka"
    assert not list(tmp_path.glob(".*"))
    monkeypatch.setattr("sys.stdin", Terminal(""))  # and leaves
    assert run(*draft(tmp_path / "b", name=""))[0] != 0
    assert not (tmp_path / "b").exists()


def test_writes_settings_with_which_an_agent_starts(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "authority.toml"
    code, out, _ = run(*settings(path))
    assert code == 0
    assert "wanderbuch authority run" in out
    assert tomllib.loads(path.read_text())["name"] == 'The "Training" Authority'
    config = load_config(path, {}, role=ROLE)
    authority = config.settings(AuthorityConfig)
    assert authority.four_eyes
    assert authority.redress == "https://authority.example.org/appeals"
    assert len(base58.b58decode(config.wallet_key.get_secret_value())) == 32
    assert config.public.listen is not None
    assert config.app.listen.host == config.public.listen.host == "127.0.0.1"
    for name in ("app.token", "wallet.key"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
    secret = (tmp_path / "wallet.key").read_text()
    assert secret.strip() not in out
    before = path.read_text()
    code, out, _ = run(*settings(path, "--json"))
    assert (code, json.loads(out)["secrets"], path.read_text()) == (0, [], before)
    code, _, err = run(*settings(path, host="other.example.org"))
    assert (code, path.read_text()) == (2, before)
    assert "host was 'authority.example.org' and becomes 'other.example.org'" in err
    path.write_text(before + "# a remark of the operator\n")
    code, out, _ = run(*settings(path, "--force", "--json", host="other.example.org"))
    assert (code, json.loads(out)["secrets"]) == (0, [])
    assert "a remark of the operator" in Path(json.loads(out)["kept"]).read_text()
    assert 'host = "other.example.org"' in path.read_text()
    assert (tmp_path / "wallet.key").read_text() == secret


@pytest.mark.parametrize(
    "changes", [{"host": "localhost"}, {"host": "a.b:443"}, {"ecosystem": "Sri Lanka"}, {"redress": "office 4"}]
)
def test_settings_with_which_no_agent_would_start_are_not_written(
    run: Run, tmp_path: Path, changes: dict[str, str]
) -> None:
    code, _, err = run(*settings(tmp_path / "authority.toml", **changes))
    assert (code, err.count("\n")) == (2, 1)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_is_checked_at_once_and_asked_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(f"did:example:me\n{AUTHOR}\n"))
    code, printed, err = run(*draft(tmp_path / "a", author=""))
    assert code == 0
    assert printed.count("DID of the authority") == 2
    assert "--author: expected did:webvh" in err


def test_goes_on_where_it_was_cut_off(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "governance.json"
    monkeypatch.setattr("sys.stdin", Terminal(f"Skills of Lanka\n{AUTHOR}\n"))  # and leaves
    assert run(*draft(out, name="", author="", authority=""))[0] != 0
    assert not out.exists()
    monkeypatch.setattr("sys.stdin", Terminal("Training Authority\n"))
    code, printed, _ = run(*draft(out, name="", author="", authority=""))
    assert code == 0
    assert "Taken from your last run: --name, --author" in printed
    assert json.loads(out.read_bytes())["name"] == "Skills of Lanka"
    assert [path.name for path in tmp_path.iterdir()] == ["governance.json"]


CROSSWALK = ("--crosswalk", "1=1,2=2,3=3,4=4,5=5,6=5,7=6", "--crosswalk-source", "Decision 12 of 2024",
             "--crosswalk-from", "2024-01-01")  # fmt: skip


@pytest.mark.parametrize("where", [("--country", "Sri Lanka"), ("--country", "LK"), ("--framework", "LK-NVQ")])
def test_sets_up_the_crosswalk_of_the_national_framework(run: Run, tmp_path: Path, where: tuple[str, str]) -> None:
    out = tmp_path / "governance.json"
    code, printed, _ = run(*draft(out, *where, *CROSSWALK))
    assert code == 0
    assert "no mapping" not in printed
    (made,) = json.loads(out.read_bytes())["participants"]["entries"][CROSSWALK_SCHEMA][AUTHOR]["crosswalks"]
    assert (made["framework"], made["version"], made["valid_from"]) == ("LK-NVQ", "lk-nvq-eqf-2024-01-01", "2024-01-01")
    assert made["levels"][-1] == {"level": "7", "eqf": 6}
    assert run("governance", "validate", str(out), "--strict")[0] == 0


def test_says_how_where_no_crosswalk_was_told_and_keeps_what_came_in_meanwhile(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "governance.json"
    code, printed, _ = run(*draft(out))
    assert (code, "--crosswalk" in printed) == (0, True)
    document = json.loads(out.read_bytes())
    document["description"] = "kept"
    out.write_text(json.dumps(document))
    assert run(*draft(out, "--framework", "LK-NVQ", *CROSSWALK))[0] == 2
    assert run(*draft(out, "--framework", "LK-NVQ", *CROSSWALK, "--force"))[0] == 0
    after = json.loads(out.read_bytes())
    assert (after["description"], after["id"]) == ("kept", document["id"])
    assert CROSSWALK_SCHEMA in after["participants"]["entries"]


@pytest.mark.parametrize(
    "words",
    [
        ("--country", "Atlantis"),
        ("--framework", "nvq"),
        CROSSWALK,
        ("--framework", "LK-NVQ", "--crosswalk", "1=1,2=2"),
        ("--framework", "LK-NVQ", "--crosswalk", "1=1,2=2,3=3,4=4,5=5,6=5,7=9"),
        ("--framework", "LK-NVQ", *CROSSWALK[:2]),
        ("--framework", "LK-NVQ", *CROSSWALK[:4], "--crosswalk-from", "2024"),
        ("--agent", "http://127.0.0.1:1"),
        ("--token-file", "x"),
        ("--config", "none.toml"),
    ],
)
def test_a_crosswalk_or_agent_that_is_not_clear_is_refused(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    code, _, err = run(*draft(tmp_path / "governance.json", *words))
    assert (code, err.count("\n")) == (2, 1)
    assert not (tmp_path / "governance.json").exists()


VIEW = AuthorityOut(
    did=AUTHOR,
    name="Training Authority",
    ecosystem="sri-lanka",
    governance_url="https://authority.wanderbuch.test/governance/sri-lanka",
    schemas={"qualification/1.0": SCHEMA},
    current=None,
    freshness=None,
)


@pytest.fixture
def agent() -> Iterator[int]:
    """The app address of an agent: it answers who the authority is, to whoever has the token."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = self.headers["Authorization"] == "Bearer operator-token" and self.path == "/v1/authority/identity"
            content = VIEW.model_dump_json().encode() if allowed else b"{}"
            self.send_response(200 if allowed else 401)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_asks_the_agent_for_what_the_agent_knows(run: Run, tmp_path: Path, agent: int) -> None:
    path, out = tmp_path / "authority.toml", tmp_path / "governance.json"
    assert run(*settings(path))[0] == 0
    path.write_text(path.read_text().replace("127.0.0.1:8081", f"127.0.0.1:{agent}"))
    (tmp_path / "app.token").write_text("operator-token\n")
    words = ("governance", "init", "--out", str(out), "--name", "Skills of Lanka")
    assert run(*words, "--config", str(path))[0] == 0
    document = json.loads(out.read_bytes())
    assert (document["author"], document["schemas"]) == (AUTHOR, [{"id": SCHEMA, "name": "qualification/1.0"}])
    assert document["uri"] == "https://authority.wanderbuch.test/governance/sri-lanka/current.jws"
    token = ("--token-file", str(tmp_path / "app.token"))
    assert run(*words, "--agent", f"http://127.0.0.1:{agent}", *token)[0] == 0
    (tmp_path / "app.token").write_text("another\n")
    code, _, err = run(*words, "--agent", f"http://127.0.0.1:{agent}", *token)
    assert (code, err.count("\n")) == (2, 1)


def test_a_crosswalk_can_be_left_out_with_enter(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("\n"))
    code, printed, _ = run(*draft(tmp_path / "governance.json", "--country", "Sri Lanka"))
    assert code == 0
    assert printed.count("Enter: none") == 1
    assert "No crosswalk maps" in printed


def test_a_crosswalk_that_the_draft_has_is_not_asked_for_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "governance.json"
    assert run(*draft(out, "--country", "Sri Lanka", *CROSSWALK))[0] == 0
    monkeypatch.setattr("sys.stdin", Terminal(""))
    code, printed, _ = run(*draft(out, "--country", "Sri Lanka"))
    assert code == 0
    assert "says all of this already" in printed
