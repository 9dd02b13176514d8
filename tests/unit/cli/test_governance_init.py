import io
import json
import tomllib
from pathlib import Path

import base58
import pytest
from tests.unit.cli.conftest import Run

from wanderbuch.agents.authority.config import AuthorityConfig
from wanderbuch.agents.authority.role import ROLE
from wanderbuch.agents.runtime.config import load_config

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
    code, said, _ = run(*draft(out, "--website", "https://authority.wanderbuch.test/"))
    assert code == 0
    assert "accredits nobody yet" in said
    code, said, _ = run("governance", "validate", str(out), "--strict")
    assert code == 0, said
    assert "1 participants, 0 accreditations" in said
    code, _, err = run(*draft(out))
    assert (code, "--force" in err) == (2, True)
    assert run(*draft(out, "--force", "--json"))[0] == 0
    code, said, _ = run(
        "governance", "query", str(out), "--issuer", AUTHOR, "--occupation", "C7212", "--jurisdiction", "LKA"
    )
    assert (code, said.splitlines()[0]) == (1, "NOT_TRUSTED")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"author": "did:x"}, 2),
        ({"schema": "qualification"}, 2),
        ({"name": ""}, 2),
        ({"author": ""}, 2),
        ({"website": "javascript:alert(1)"}, 1),
        ({"name": "two\nlines"}, 1),
    ],
)
def test_a_draft_that_would_not_be_valid_is_not_written(
    run: Run, tmp_path: Path, changes: dict[str, str], code: int
) -> None:
    out = tmp_path / "governance.json"
    found, _, err = run(*draft(out, **changes))
    assert found == code
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
    code, said, _ = run(*draft(out, name=""))
    assert code == 0
    assert "Name of the ecosystem" in said
    assert json.loads(out.read_bytes())["name"] == "Skills of Lanka"
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
    assert config.app.listen.host == config.public.listen.host == "127.0.0.1"
    for name in ("app.token", "wallet.key"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
    secret = (tmp_path / "wallet.key").read_text()
    assert secret.strip() not in out
    assert run(*settings(path))[0] == 2
    code, out, _ = run(*settings(path, "--force", "--json"))
    assert (code, json.loads(out)["secrets"]) == (0, [])
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
