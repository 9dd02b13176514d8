import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.cli.conftest import EXAMPLE, Run
from tests.unit.cli.office import HOST, Office, pem, served
from tests.unit.http.tls_host import PrivateAuthority

from wanderbuch.governance.divided.division import divide
from wanderbuch.plugins.webvh.document import make_document
from wanderbuch.plugins.webvh.log_writing import next_entry, utc_now


def test_validate_says_what_the_file_holds(run: Run) -> None:
    code, out, _ = run("governance", "validate", str(EXAMPLE))
    assert code == 0
    assert "0 errors, 1 warning\n" in out
    assert "3 accreditations, 1 crosswalk\n" in out


def test_validate_lists_every_finding_and_ends_with_1(run: Run, office: Office) -> None:
    document = json.loads(office.file.read_text())
    document["version"], document["format"], document["unheard_of"] = "1.0", "2", 1
    office.file.write_text(json.dumps(document))

    code, out, _ = run("governance", "validate", str(office.file))
    assert code == 1
    assert "/version" in out
    assert "/format" in out
    assert "2 errors" in out

    code, out, _ = run("governance", "validate", str(office.file), "--json")
    assert code == 1
    answer = json.loads(out)
    assert not answer["ok"]
    assert {finding["path"] for finding in answer["findings"]} >= {"/version", "/format", "/unheard_of"}
    assert all(
        finding.keys() == {"severity", "path", "rule", "message", "fix", "file", "line"}
        for finding in answer["findings"]
    )


def test_validate_gives_the_line_and_strict_fails_on_warnings(run: Run, office: Office) -> None:
    lines = office.file.read_text().splitlines()
    office.file.write_text("\n".join(['{"unheard_of": 1,', *lines[1:]]))
    code, out, _ = run("governance", "validate", str(office.file))
    assert code == 0
    assert f"warning {office.file}:1 /unheard_of" in out
    assert run("governance", "validate", str(office.file), "--strict")[0] == 1
    (place,) = [number for number, line in enumerate(lines, start=1) if '"docs_uri"' in line]
    office.file.write_text("\n".join(lines).replace('"docs_uri": "https:', '"docs_uri": "javascript:'))
    code, out, _ = run("governance", "validate", str(office.file), "--json")
    (document,) = [finding for finding in json.loads(out)["findings"] if finding["severity"] == "error"]
    assert (code, document["line"], document["path"], document["file"]) == (1, place, "/docs_uri", str(office.file))


def test_diff_says_who_gained_or_lost_what(run: Run, office: Office) -> None:
    later = office.folder / "later.json"
    document = json.loads(office.file.read_text())
    later.write_text(json.dumps({**document, "version": 2, "description": "Other words."}))
    code, out, _ = run("governance", "diff", str(office.file), str(later))
    assert (code, out.splitlines()[-1]) == (0, "No change in trust.")
    later.write_text(json.dumps({**document, "author": document["author"]}).replace('"max": "5"', '"max": "4"'))
    code, out, _ = run("governance", "diff", str(office.file), str(later))
    assert code == 1
    assert "Who loses:\n- Colombo Welding Centre (example): levels were LK-NVQ 2 to 5 and are now LK-NVQ 2 to 4" in out
    code, out, _ = run("governance", "diff", str(office.file), str(later), "--json")
    assert json.loads(out)["differences"][0]["code"] == "accreditation.levels-changed"
    later.write_text("{}")
    assert run("governance", "diff", str(office.file), str(later))[0] == 1
    assert run("governance", "diff", str(office.file), str(later) + "x")[0] == 2


def test_sign_then_verify_offline(run: Run, office: Office) -> None:
    code, out, _ = run(*office.sign("--freshness-out", str(office.freshness), "--json"))
    assert code == 0
    signed = json.loads(out)

    code, out, _ = run(
        *office.verify(*office.offline(), "--author", office.did, "--freshness", str(office.freshness), "--json")
    )
    assert code == 0
    verified = json.loads(out)
    assert verified["digest"] == signed["digest"]
    assert (verified["author"], verified["kid"], verified["fresh"]) == (office.did, office.kid, True)
    assert verified["author_pinned"]

    code, out, _ = run(*office.verify(*office.offline()))
    assert code == 0
    assert "Nobody was pinned" in out

    code, out, _ = run(*office.verify(*office.offline(), "--author", office.did, "--freshness", str(office.freshness)))
    assert code == 0
    assert "FRESH" in out
    assert [path.name for path in office.folder.iterdir() if path.name.startswith(".")] == []

    code, out, _ = run("governance", "validate", str(office.signed))
    assert code == 0


def test_verify_online(run: Run, office: Office, tmp_path: Path) -> None:
    run(*office.sign())
    with served(PrivateAuthority(tmp_path), tmp_path) as host:
        network = ("--ca-file", str(host.ca_file), "--connect", f"{HOST}:443=127.0.0.1:{host.port}")
        code, out, _ = run(*office.verify("--author", office.did, *network))
        assert code == 0
        assert office.kid in out
    code, _, err = run(*office.verify("--author", office.did, *network))
    assert code == 2  # could not be checked
    assert err.startswith("wanderbuch: ")
    assert err.count("\n") == 1


def test_verify_refuses_another_author(run: Run, office: Office) -> None:
    run(*office.sign())
    code, _, err = run(*office.verify(*office.offline(), "--author", "did:example:other"))
    assert code == 1
    assert "expected a key of did:example:other" in err


def test_verify_refuses_an_altered_file(run: Run, office: Office) -> None:
    run(*office.sign())
    signed = bytearray(office.signed.read_bytes())
    signed[500] = ord("A") if signed[500] != ord("A") else ord("B")
    office.signed.write_bytes(signed)
    code, out, _ = run(*office.verify(*office.offline(), "--json"))
    assert code == 1
    assert json.loads(out)["error"]["code"] == "governance.signature"


def test_verify_refuses_a_key_that_was_rotated_out(run: Run, office: Office) -> None:
    run(*office.sign())
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    document = make_document(office.did, assertion_keys=(other,), didcomm_key=other, didcomm_endpoint=None)
    log = office.log.read_text()
    office.log.write_text(
        log + next_entry(log, document, update_key=office.update_key, next_keys=(), at=utc_now()) + "\n"
    )
    code, _, err = run(*office.verify(*office.offline()))
    assert code == 1
    assert "assertionMethod" in err


def test_verify_tells_stale(run: Run, office: Office) -> None:
    run(*office.sign("--freshness-out", str(office.freshness)))
    document = json.loads(office.file.read_text())
    document["version"] = 2
    office.file.write_text(json.dumps(document))
    run(*office.sign())
    code, out, _ = run(*office.verify(*office.offline(), "--freshness", str(office.freshness)))
    assert code == 1
    assert "STALE" in out
    assert "version 1 is current" in out


def test_sign_refuses_a_file_with_errors_and_writes_nothing(run: Run, office: Office) -> None:
    office.file.write_text(office.file.read_text().replace('"version": 1,', '"version": "1.0",', 1))
    code, _, err = run(*office.sign())
    assert code == 1
    assert "/version" in err
    assert not office.signed.exists()
    code, out, _ = run(*office.sign("--json"))
    assert code == 1
    assert json.loads(out)["findings"]


@pytest.mark.parametrize(
    "content", [b"", b"not a key", pem(generate_private_key(SECP256R1())), b"-----BEGIN PRIVATE KEY-----\nAA==\n"]
)
def test_a_wrong_key_file_is_one_line(run: Run, office: Office, content: bytes) -> None:
    office.key.write_bytes(content)
    code, _, err = run(*office.sign())
    assert code == 2
    assert "openssl genpkey -algorithm ed25519" in err
    assert err.count("\n") == 1


def test_mistakes_end_with_2_and_one_line(run: Run, office: Office, tmp_path: Path) -> None:
    run(*office.sign())
    missing = str(tmp_path / "missing")
    for arguments in (
        ("governance", "validate", missing),
        ("governance", "validate", str(tmp_path)),
        ("governance", "verify", missing),
        office.verify("--did-log", missing),
        office.verify(*office.offline(), "--author", "nobody"),
        office.verify(*office.offline(), "--freshness", missing),
        office.verify("--connect", "here"),
        ("governance", "sign", str(office.file), "--key", missing, "--kid", office.kid, "--out", missing),
        ("governance", "sign", str(office.file), "--key", str(office.key), "--kid", "me", "--out", missing),
        (*office.sign()[:-1], str(tmp_path / "no" / "folder.jws")),
        explain("--issuer", "Nobody"),
        explain("--issuer", "example"),
        explain("--occupation", "7212"),
        explain("--jurisdiction", "Atlantis"),
        explain("--awarded", "last year"),
        explain("--awarded", "2024-02-30"),
        explain("--at", "now"),
        explain("--at", "2026-01-01T00:00:00"),
        explain("--at", "0001-01-01T00:00:00+23:59"),
        explain("--at", "9999-12-31T23:59:59-23:59"),
        explain("--cred-def", "x"),
        explain("--issuer", "did:example:nobody"),
    ):
        code, _, err = run(*arguments)
        assert code == 2, arguments
        assert err.startswith("wanderbuch: "), arguments
        assert err.count("\n") == 1, arguments


def explain(*more: str) -> tuple[str, ...]:
    given = dict(zip(more[::2], more[1::2], strict=True))
    words = {"--issuer": "Colombo", "--occupation": "C7212", "--jurisdiction": "MLT", "--awarded": "2024", **given}
    return ("governance", "explain", str(EXAMPLE), *(word for pair in words.items() for word in pair))


@pytest.mark.parametrize(
    ("more", "code", "word"),
    [
        ((), 0, "TRUSTED"),
        (("--level", "3"), 0, "TRUSTED"),
        (("--level", "6"), 1, "level.not_covered"),
        (("--awarded", "2021"), 1, "mandate.outside"),
        (("--awarded", "2022"), 1, "award.date_needed"),
        (("--awarded", "2022-07-01"), 0, "TRUSTED"),
        (("--issuer", "Kandy"), 1, "occupation.not_covered"),
        (("--issuer", "Galle", "--occupation", "C7126"), 1, "registry.not_pinned"),
        (("--occupation", "C7213"), 1, "occupation.excluded"),
        (("--jurisdiction", "DEU"), 1, "jurisdiction.not_covered"),
        (("--expires-on", "2025-12-31", "--at", "2026-01-01"), 1, "credential.expired"),
        (("--expires-on", "2025-12-31", "--at", "2025-12-31"), 0, "TRUSTED"),
        (("--at", "2023-06-01T12:00:00+05:30"), 1, "award.in_future"),
        (("--crosswalk", "unheard-of"), 1, "crosswalk.unknown"),
    ],
)
def test_explain(run: Run, more: tuple[str, ...], code: int, word: str) -> None:
    exit_code, out, _ = run(*explain(*more))
    assert exit_code == code
    assert word in out
    exit_code, out, _ = run(*explain(*more), "--json")
    assert exit_code == code
    document = json.loads(out)
    assert document["verdict"] == ("TRUSTED" if code == 0 else "NOT_TRUSTED")
    assert document["steps"][-1]["ok"] == (code == 0)


def test_explain_refuses_a_file_with_errors(run: Run, office: Office) -> None:
    office.file.write_text("{}")
    code, _, err = run("governance", "explain", str(office.file), *explain()[3:])
    assert code == 1
    assert "@context" in err


def divided(office: Office) -> Path:
    """Divide the office's file; give the folder of its parts."""
    root, parts = divide(json.loads(office.file.read_text()), 1)
    office.file.write_text(json.dumps(root, indent=2))
    folder = office.folder / "parts"
    folder.mkdir()
    for digest, part in parts.items():
        (folder / f"{digest.removeprefix('sha256:')}.json").write_bytes(part)
    return folder


def test_a_divided_file_is_looked_at_with_all_its_parts(run: Run, office: Office) -> None:
    whole = office.folder / "whole.json"
    whole.write_bytes(office.file.read_bytes())
    folder = divided(office)
    code, out, err = run("governance", "validate", str(office.file))
    assert code == 0, out + err
    assert "3 accreditations, 1 crosswalk\n" in out
    code, out, err = run("governance", "diff", str(whole), str(office.file))
    assert (code, out) == (0, "No difference.\n"), err
    code, out, _ = run("governance", "export", str(office.file), "--to", "csv")
    assert "TA-2018-0142" in out
    part = next(path for path in folder.iterdir() if b"C72" in path.read_bytes())
    part.write_bytes(part.read_bytes().replace(b"C7213", b"C7214"))
    code, out, _ = run("governance", "validate", str(office.file))
    assert code == 1
    assert "[part]" in out
    part.unlink()
    code, _, err = run("governance", "validate", str(office.file))
    assert (code, "--parts" in err) == (2, True)
