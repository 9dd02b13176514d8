import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.cli.conftest import Run
from tests.unit.cli.office import Office, pem

from wanderbuch.governance.divided.division import divide


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


def publish(office: Office, site: Path, *more: str) -> tuple[str, ...]:
    words = ("governance", "publish", str(office.signed), "--folder", str(site), "--author", office.did)
    return (*words, *office.offline(), *more)


def raised(office: Office, version: int) -> None:
    document = json.loads(office.file.read_text())
    office.file.write_text(json.dumps({**document, "version": version}))


def contents(site: Path) -> dict[str, bytes]:
    return {str(path.relative_to(site)): path.read_bytes() for path in site.rglob("*") if path.is_file()}


def test_a_version_is_put_with_its_own_name_and_as_current(run: Run, office: Office, site: Path) -> None:
    run(*office.sign("--freshness-out", str(office.freshness)))
    code, out, _ = run(*publish(office, site, "--freshness", str(office.freshness)))
    assert code == 0, out
    assert "Version 1 of Vocational qualifications" in out
    signed, statement = office.signed.read_bytes(), office.freshness.read_bytes()
    assert contents(site) == {"versions/1.jws": signed, "current.jws": signed, "freshness.jws": statement}
    code, out, _ = run(*publish(office, site, "--json"))
    assert (code, json.loads(out)["new"]) == (0, False)


def test_a_later_version_leaves_the_earlier_one_as_it_was(run: Run, office: Office, site: Path) -> None:
    run(*office.sign())
    _code, out, _ = run(*publish(office, site))
    assert "STALE" in out
    first = office.signed.read_bytes()
    raised(office, 2)
    run(*office.sign())
    assert run(*publish(office, site))[0] == 0
    assert contents(site) == {
        "versions/1.jws": first,
        "versions/2.jws": office.signed.read_bytes(),
        "current.jws": office.signed.read_bytes(),
    }


def test_nothing_older_or_other_takes_the_place_of_what_is_there(run: Run, office: Office, site: Path) -> None:
    raised(office, 2)
    run(*office.sign("--freshness-out", str(office.freshness)))
    run(*publish(office, site, "--freshness", str(office.freshness)))
    before = contents(site)
    original = office.file.read_text()
    for change, words in (
        ({"version": 1}, "version 2 is current"),
        ({"name": "Other words"}, "with other bytes"),
        ({"version": 3, "id": "another"}, "the folder holds the file"),
    ):
        office.file.write_text(json.dumps({**json.loads(original), **change}))
        run(*office.sign())
        code, _, err = run(*publish(office, site))
        assert (code, words in err) == (1, True), err
        assert contents(site) == before
    office.file.write_text(json.dumps({**json.loads(original), "version": 3}))
    run(*office.sign())
    code, _, err = run(*publish(office, site, "--freshness", str(office.freshness)))
    assert code == 1
    assert "about exactly this file" in err
    assert contents(site) == before


def test_a_version_that_was_published_once_is_never_written_again(run: Run, office: Office, site: Path) -> None:
    run(*office.sign())
    (site / "versions").mkdir(parents=True)
    (site / "versions" / "1.jws").write_bytes(b"something else")
    code, _, err = run(*publish(office, site))
    assert code == 1
    assert "published before" in err
    assert contents(site) == {"versions/1.jws": b"something else"}


def test_what_is_not_signed_by_the_author_is_not_published(run: Run, office: Office, site: Path) -> None:
    office.signed.write_bytes(office.file.read_bytes())
    assert run(*publish(office, site))[0] == 1
    run(*office.sign())
    words = publish(office, site)
    assert run(*(word if word != office.did else "did:example:other" for word in words))[0] == 1
    assert not site.exists()
    assert run(*words)[0] == 0


def test_the_parts_of_a_divided_file_go_with_it_and_only_if_they_are_right(
    run: Run, office: Office, site: Path
) -> None:
    root, parts = divide(json.loads(office.file.read_text()), 1)
    office.file.write_text(json.dumps(root))
    run(*office.sign())
    code, _, err = run(*publish(office, site))
    assert code == 2
    assert "--parts" in err
    folder = office.folder / "parts"
    folder.mkdir()
    for digest, part in parts.items():
        (folder / f"{digest.removeprefix('sha256:')}.json").write_bytes(part)
    assert run(*publish(office, site))[0] == 0
    assert len(list((site / "parts").iterdir())) == len(parts)
    some = next(path for path in folder.iterdir() if b"C72" in path.read_bytes())
    some.write_bytes(some.read_bytes().replace(b"C72", b"C71"))
    (site / "parts" / some.name).unlink()
    code, _, _ = run(*publish(office, site))
    assert code == 1
    assert not (site / "parts" / some.name).exists()


def test_publish_says_what_it_lacks(run: Run, office: Office, site: Path, tmp_path: Path) -> None:
    run(*office.sign())
    token = tmp_path / "token"
    token.write_text("x" * 30)
    file = str(office.file)
    for words, complaint in (
        (("governance", "publish", file), "--folder DIR or --agent URL"),
        ((*publish(office, site), "--agent", "https://a.test"), "--folder DIR or --agent URL"),
        (("governance", "publish", file, "--agent", "https://a.test"), "--token-file"),
        (("governance", "publish", file, "--agent", "https://a.test", "--token-file", str(token)), "--why"),
        (
            ("governance", "publish", file, "--agent", "http://a.test", "--token-file", str(token), "--why", "x"),
            "expected an https address",
        ),
        (
            ("governance", "publish", file, "--agent", "http://127.0.0.1:9", "--token-file", str(token), "--why", "x"),
            "cannot be reached",
        ),
    ):
        code, _, err = run(*words)
        assert (code, err.count("\n")) == (2, 1), words
        assert complaint in err


class TestSeveralParties:
    """Two of three must sign: the authority and one of employers and workers."""

    @pytest.fixture
    def union(self, tmp_path: Path) -> Path:
        key = tmp_path / "union.pem"
        key.write_bytes(pem(Ed25519PrivateKey.generate()))
        return key

    def test_sign_add_joins_signatures_in_any_order(self, run: Run, office: Office, union: Path) -> None:
        other = "did:webvh:QmExampUnion1111111111111111111111111111111111:union.wanderbuch.test:org"
        document = json.loads(office.file.read_text())
        entries = document["participants"]["entries"]
        parties = [
            {"did": office.did, "name": "Authority", "kind": "authority"},
            {"did": other, "name": "Union", "kind": "workers"},
        ]
        uri = "https://w3id.org/wanderbuch/governance/1.0/signatories.json"
        entries[uri] = {office.did: {"threshold": 2, "parties": parties}}
        office.file.write_text(json.dumps(document))

        first = office.folder / "union.jws"
        as_union = ("--key", str(union), "--kid", f"{other}#key-1")
        code, _out, err = run("governance", "sign", str(office.file), "--add", *as_union, "--out", str(first))
        assert code == 0, err
        both = office.folder / "both.jws"
        as_author = ("--key", str(office.key), "--kid", office.kid)
        code, _, err = run("governance", "sign", str(first), "--add", *as_author, "--out", str(both))
        assert code == 0, err
        assert set(json.loads(both.read_bytes())) == {"payload", "signatures"}
        assert run("governance", "validate", str(both))[0] == 0

        code, _, err = run("governance", "sign", str(both), *as_author, "--out", str(first))
        assert code == 2
        assert "--add" in err
        stranger = ("--key", str(union), "--kid", "did:example:stranger#key-1")
        assert run("governance", "sign", str(both), "--add", *stranger, "--out", str(first))[0] == 1

        run(*office.sign())
        code, _, err = run(*office.verify(*office.offline(), "--author", office.did))
        assert code == 1
        assert other in err
