"""`wanderbuch <role> init`: what it writes is a configuration that the agent takes, and nothing is overwritten."""

import stat
from pathlib import Path

import pytest

from wanderbuch.agents.cli import main
from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.role import ROLE as HOLDER
from wanderbuch.agents.issuer.role import ROLE as ISSUER
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.config_secrets import OBJECTS_SECRET_VARIABLE
from wanderbuch.errors import ConfigurationError

AUTHOR = "did:webvh:QmQyDxVnosYTzHAMbzYDRZkVrD32ea9Sr2XNs8NkgMB5mn:authority.example.org:org"
NAMED = ("--name", "Colombo Welding Centre", "--host", "centre.example.org")
FOLLOWS = ("--governance-url", "https://authority.example.org/governance/lanka", "--governance-author", AUTHOR)


def ran(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    return int(ended.value.code or 0)


def test_a_new_issuer_has_a_configuration_that_it_takes_and_secrets_of_its_own(tmp_path: Path) -> None:
    assert ran("issuer", "init", tmp_path / "one", *NAMED, *FOLLOWS) == 0
    assert ran("issuer", "init", tmp_path / "other", *NAMED) == 0
    one, other = (load_config(tmp_path / name / "issuer.toml", {}, role=ISSUER) for name in ("one", "other"))
    assert (one.name, one.public.host, one.data) == (
        "Colombo Welding Centre",
        "centre.example.org",
        tmp_path / "one" / "data",
    )
    assert one.governance is not None
    assert (one.governance.author, other.governance) == (AUTHOR, None)
    assert str(one.app.listen) == "127.0.0.1:8081"
    assert one.wallet_key != other.wallet_key
    assert one.app_token != other.app_token
    for name in ("app.token", "wallet.key"):
        assert stat.S_IMODE((tmp_path / "one" / name).stat().st_mode) == 0o600


def test_a_wallet_behind_a_mediator_has_no_name_and_is_refused_both_ways_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by_mediator = ("--name", "Kamala's phone", "--mediator", "https://mediator.example.org/mediator")
    assert ran("holder", "init", tmp_path / "phone", *by_mediator) == 0
    assert "certificate" not in capsys.readouterr().out
    config = load_config(tmp_path / "phone" / "holder.toml", {}, role=HOLDER)
    assert (config.public.listen, config.settings(HolderConfig).mediator) == (None, by_mediator[-1])
    for wrong in (
        (*by_mediator, "--host", "phone.example.org"),
        by_mediator[:2],
        (*by_mediator[:3], "http://mediator.example.org"),
        (*by_mediator, *SCALE),
    ):
        assert ran("holder", "init", tmp_path / "wrong", *wrong) == 2, wrong
    assert not (tmp_path / "wrong" / "holder.toml").exists()


def test_in_a_container_it_listens_everywhere_and_has_its_data_where_the_image_has_them(tmp_path: Path) -> None:
    assert ran("authority", "init", tmp_path, *NAMED, "--ecosystem", "lanka", "--in-container") == 0
    text = (tmp_path / "authority.toml").read_text()
    assert 'data = "/var/lib/wanderbuch"' in text
    assert 'listen = "0.0.0.0:8081"' in text
    assert 'ecosystem = "lanka"' in text


SCALE = ("--scale", "--bucket", "public-files", "--access-key", "centre")


def test_for_two_processes_it_knows_the_database_the_object_store_and_the_proxy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "issuer"
    assert ran("issuer", "init", folder, *NAMED, *FOLLOWS, *SCALE, "--objects-url", "https://objects.example.org") == 0
    printed = capsys.readouterr().out
    assert str(folder / "objects.secret") in printed
    config = load_config(folder / "issuer.toml", {OBJECTS_SECRET_VARIABLE: "s3cret"}, role=ISSUER)
    assert config.store.url == "postgresql://issuer@database:5432/issuer"
    assert config.store_password is not None
    assert config.store_password.get_secret_value() == (folder / "database" / "store.password").read_text().strip()
    assert config.public.objects is not None
    assert (config.public.objects.bucket, config.public.objects.prefix) == ("public-files", "issuer")
    assert not config.public.objects.unsafe_unencrypted
    assert [str(proxy) for proxy in config.public.trusted_proxies] == ["10.89.77.10/32"]
    assert config.public.tls_key == folder / "proxy" / "public.key"
    site = (folder / "proxy" / "site.conf").read_text()
    assert "server_name centre.example.org;" in site
    for address in ("issuer-1:8443", "issuer-2:8443", "issuer-1:8081", "issuer-2:8081"):
        assert f"server {address} " in site
    assert site.count("{") == site.count("}")
    seen_by_others = {path.name for name in ("database", "proxy") for path in (folder / name).iterdir()}
    assert seen_by_others == {"store.password", "site.conf"}
    assert all((folder / f"data-{number}").is_dir() for number in (1, 2))
    with pytest.raises(ConfigurationError, match="object store secret"):
        load_config(folder / "issuer.toml", {}, role=ISSUER)


def test_an_object_store_without_tls_is_taken_where_it_is_said(tmp_path: Path) -> None:
    plain = ("--objects-url", "http://objects.example.org", "--objects-unsafe-unencrypted")
    assert ran("issuer", "init", tmp_path, *NAMED, *SCALE, *plain) == 0
    assert "unsafe_unencrypted = true" in (tmp_path / "issuer.toml").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--scale",), "--scale needs --bucket and --access-key"),
        (("--scale", "--bucket", "public-files"), "--scale needs --bucket and --access-key"),
        (("--bucket", "public-files"), "are for --scale"),
        ((*SCALE, "--proxy", "proxy.example.org"), "trusted_proxies"),
        ((*SCALE, "--objects-url", "objects.example.org"), "url"),
        ((*SCALE, "--objects-url", "http://objects.example.org"), "unsafe_unencrypted"),
        (("--scale", "--bucket", "Not A Bucket", "--access-key", "centre"), "bucket"),
    ],
)
def test_a_mistake_in_what_two_processes_need_is_named_and_leaves_nothing(
    tmp_path: Path, options: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran("issuer", "init", tmp_path / "new", *NAMED, *options) == 2
    assert says in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("there", ["issuer.toml", "app.token", "wallet.key"])
def test_nothing_that_is_there_is_written_over(tmp_path: Path, there: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / there).write_text("kept")
    assert ran("issuer", "init", tmp_path, *NAMED) == 2
    assert f"{there} is there already" in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(there, "kept")]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--name", "x", "--host", "localhost"), "dotted host name"),
        ((*NAMED, "--governance-url", "https://authority.example.org/governance/lanka"), "go together"),
        ((*NAMED, "--governance-url", "http://plain.example", "--governance-author", AUTHOR), "https://"),
        ((*NAMED, "--governance-url", "https://a.example", "--governance-author", "nobody"), "author"),
    ],
)
def test_a_mistake_is_named_and_leaves_nothing(
    tmp_path: Path, options: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran("issuer", "init", tmp_path / "new", *options) == 2
    assert says in capsys.readouterr().err
    assert list(tmp_path.rglob("*.*")) == []
