from pathlib import Path

import base58
import pytest
from pydantic import BaseModel, ConfigDict

from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.secret_files import write_secret
from wanderbuch.errors import ConfigurationError

GOOD = """
role = "tiny"
name = "Tiny"
data = "data"

[public]
host = "tiny.wanderbuch.test"
listen = "127.0.0.1:8443"
tls_certificate = "tiny.crt"
tls_key = "keys/tiny.key"

[app]
listen = "127.0.0.1:8081"
token_file = "app.token"

[tiny]
size = 3
"""
KEY = base58.b58encode(bytes(range(32))).decode()
ENVIRON = {"WANDERBUCH_WALLET_KEY": KEY}


class TinySettings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int


class TinyRole(Role):
    name = "tiny"
    settings = TinySettings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.token").write_text("t" * 32 + "\n")
    return tmp_path


def load(folder: Path, text: str = GOOD, environ: dict[str, str] = ENVIRON):  # type: ignore[no-untyped-def]
    path = folder / "tiny.toml"
    path.write_text(text)
    return load_config(path, environ, role=TinyRole())


def refusal(folder: Path, text: str = GOOD, environ: dict[str, str] = ENVIRON) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load(folder, text, environ)
    assert "\n" not in refused.value.message
    return f"{refused.value.message} {refused.value.hint or ''}"


def test_reads_a_good_file_with_paths_relative_to_it(folder: Path) -> None:
    config = load(folder)
    assert config.data == folder / "data"
    assert config.public.tls_key == folder / "keys" / "tiny.key"
    assert str(config.public.listen) == "127.0.0.1:8443"
    assert config.public.didcomm_endpoint == "https://tiny.wanderbuch.test/didcomm"
    assert config.public.base_url == "https://tiny.wanderbuch.test/org"
    assert config.settings(TinySettings).size == 3
    assert config.app_token.get_secret_value() == "t" * 32
    assert config.governance is None
    assert config.admin is None


@pytest.mark.parametrize("roles", ["[]", '["tiny"]', '["other", "tiny"]'])
def test_the_table_of_the_processs_own_role_is_what_its_tenants_begin_with(folder: Path, roles: str) -> None:
    config = load(
        folder,
        f"{GOOD}[tenants]\nroles = {roles}\n[other]\nsize = 4\n"
        if "other" in roles
        else f"{GOOD}[tenants]\nroles = {roles}\n",
    )
    assert config.role_tables["tiny"] == {"size": 3}
    assert config.role_tables.get("other", {"size": 4}) == {"size": 4}


def test_secrets_do_not_show_in_its_text(folder: Path) -> None:
    config = load(folder)
    assert KEY not in repr(config)
    assert "t" * 32 not in repr(config)


def test_a_secret_of_the_environment_wins_over_its_file(folder: Path) -> None:
    config = load(folder, environ={**ENVIRON, "WANDERBUCH_APP_TOKEN": "e" * 32})
    assert config.app_token.get_secret_value() == "e" * 32


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("listen = ", "lisen = ", "unknown key [public] lisen; did you mean 'listen'?"),
        ("name = ", "nmae = ", "unknown key nmae; did you mean 'name'?"),
        ("[tiny]", "[tinny]", "unknown key tinny; did you mean 'tiny'?"),
        ("size = 3", "sise = 3", "unknown key [tiny] sise; did you mean 'size'?"),
    ],
)
def test_a_typo_names_the_key_and_the_nearest_allowed_one(folder: Path, right: str, wrong: str, expected: str) -> None:
    complaint = refusal(folder, GOOD.replace(right, wrong, 1))
    assert expected in complaint
    assert "missing" not in complaint or wrong.startswith("[")


def test_a_key_like_no_other_names_the_allowed_ones(folder: Path) -> None:
    assert "unknown key [app] zzz; allowed: listen, max_body_bytes, openid, sockets, token_file" in refusal(
        folder, GOOD.replace("[tiny]", "zzz = 1\n[tiny]")
    )


@pytest.mark.parametrize("host", ["4th.ac.ke", "x.example.org", "xn--fsq.jp"])
def test_takes_every_host_that_can_stand_in_a_did(folder: Path, host: str) -> None:
    assert load(folder, GOOD.replace("tiny.wanderbuch.test", host)).public.host == host


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ('role = "tiny"', 'role = "issuer"', 'expected role = "tiny"'),
        ('name = "Tiny"\n', "", "name is missing"),
        ('"127.0.0.1:8443"', '"8443"', "[public] listen"),
        ('"127.0.0.1:8443"', '"127.0.0.1:99999"', "[public.listen] port"),
        ("tiny.wanderbuch.test", "localhost", "cannot stand in a did:webvh"),
        ("tiny.wanderbuch.test", "tiny.wanderbuch.test:8443", "cannot stand in a did:webvh"),
        ("tiny.wanderbuch.test", "https://tiny.wanderbuch.test", "a name alone: no https:// before it"),
        ("tiny.wanderbuch.test", "Tiny.wanderbuch.test", "write the host as it stands on the wire: tiny.wanderbuch"),
        ("tiny.wanderbuch.test", "127.0.0.1", "expected a dotted host name"),
        ("size = 3", 'size = "many"', "[tiny] size"),
        ("size = 3\n", "", "[tiny] size is missing"),
        ("[tiny]", '[governance]\nurl = "http://x.test"\nauthor = "did:web:x.test"\n[tiny]', "https://"),
        ("[tiny]", '[governance]\nurl = "https://x.test"\nauthor = "nobody"\n[tiny]', "[governance] author"),
        ("[tiny]", '[admin]\nlisten = "0.0.0.0:1"\n[tiny]', "[admin] listen must be 127.0.0.1"),
        ("role = ", "role == ", "is not a TOML file"),
    ],
)
def test_refuses_in_one_line(folder: Path, right: str, wrong: str, expected: str) -> None:
    assert expected in refusal(folder, GOOD.replace(right, wrong, 1))


def test_another_roles_file_names_its_command_whatever_else_is_in_it(folder: Path) -> None:
    complaint = refusal(folder, GOOD.replace('role = "tiny"', 'role = "issuer"').replace("[tiny]", "[issuer]"))
    assert 'expected role = "tiny", found "issuer"' in complaint
    assert "unknown key" not in complaint
    assert f"wanderbuch issuer … --config {folder / 'tiny.toml'}" in complaint


def test_refuses_a_file_that_is_not_there(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no configuration file"):
        load_config(folder / "none.toml", ENVIRON, role=TinyRole())


def test_refuses_without_a_wallet_key_and_says_where_to_put_it(folder: Path) -> None:
    assert "WANDERBUCH_WALLET_KEY" in refusal(folder, environ={})


@pytest.mark.parametrize("key", ["short", "0" * 44, base58.b58encode(bytes(31)).decode()])
def test_refuses_a_wallet_key_that_is_not_32_bytes(folder: Path, key: str) -> None:
    complaint = refusal(folder, environ={"WANDERBUCH_WALLET_KEY": key})
    assert "not 32 bytes in base58" in complaint
    assert key not in complaint


def test_refuses_a_short_token_without_repeating_it(folder: Path) -> None:
    (folder / "app.token").write_text("hunter2")
    complaint = refusal(folder)
    assert "shorter than" in complaint
    assert "hunter2" not in complaint


WITNESS = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"


def test_witnesses_are_a_rule(folder: Path) -> None:
    table = f'[public.witnesses]\nthreshold = 1\ndids = ["{WITNESS}"]\n\n[app]'
    witnesses = load(folder, GOOD.replace("[app]", table)).public.witnesses
    assert (witnesses.rule.threshold, witnesses.rule.witnesses) == (1, (WITNESS,))
    assert load(folder).public.witnesses is None


@pytest.mark.parametrize(
    ("threshold", "dids"),
    [
        ("0", f'"{WITNESS}"'),
        ("2", f'"{WITNESS}"'),
        ("2", f'"{WITNESS}", "{WITNESS}"'),
        ("1", '"did:web:x.test"'),
        ("1", ""),
    ],
)
def test_refuses_witnesses_that_are_no_rule(folder: Path, threshold: str, dids: str) -> None:
    table = f"[public.witnesses]\nthreshold = {threshold}\ndids = [{dids}]\n\n[app]"
    assert "[public] witnesses: " in refusal(folder, GOOD.replace("[app]", table))


def proxies(*networks: str) -> str:
    listed = ", ".join(f'"{network}"' for network in networks)
    return GOOD.replace('tls_key = "keys/tiny.key"', f'tls_key = "keys/tiny.key"\ntrusted_proxies = [{listed}]')


def test_proxies_are_addresses_or_networks(folder: Path) -> None:
    public = load(folder, proxies("10.0.0.5", "10.1.0.0/16", "fd00::/8")).public
    assert [str(trusted_proxy) for trusted_proxy in public.trusted_proxies] == [
        "10.0.0.5/32",
        "10.1.0.0/16",
        "fd00::/8",
    ]
    assert load(folder).public.trusted_proxies == ()


@pytest.mark.parametrize("network", ["10.0.0.5/8", "proxy.example.org", "10.0.0.0/33", ""])
def test_refuses_a_proxy_that_is_no_network(folder: Path, network: str) -> None:
    assert "expected an address or a network" in refusal(folder, proxies(network))


def at_address(url: str) -> str:
    return GOOD.replace('token_file = "app.token"', f'token_file = "app.token"\nurl = "{url}"')


@pytest.mark.parametrize("url", ["https://desk.example.org", "https://Desk.example.org/"])
def test_the_app_site_has_the_address_that_browsers_say(folder: Path, url: str) -> None:
    assert load(folder, at_address(url)).app.url == "https://desk.example.org"
    assert load(folder).app.url is None


@pytest.mark.parametrize(
    "url", ["desk.example.org", "https://desk.example.org/desk", "https://u:p@desk.example.org", "ftp://x.test", ""]
)
def test_refuses_an_address_of_the_app_site_that_browsers_would_not_say(folder: Path, url: str) -> None:
    assert "expected an address without a path" in refusal(folder, at_address(url))


def on_postgresql(*keys: str) -> str:
    return "\n".join([GOOD, "[store]", *keys, ""])


URL = 'url = "postgresql://centre@127.0.0.1/wallets"'
PASSWORD = {**ENVIRON, "WANDERBUCH_STORE_PASSWORD": "se cret"}


def test_a_store_is_sqlite_unless_it_has_an_address(folder: Path) -> None:
    assert not load(folder).store.is_shared
    assert load(folder).store_password is None
    config = load(folder, on_postgresql(URL), PASSWORD)
    assert config.store.is_shared
    assert (config.store.address.host, config.store.address.port, config.store.connections) == ("127.0.0.1", 5432, 8)
    assert config.store_password is not None
    assert config.store_password.get_secret_value() == "se cret"
    assert "se cret" not in repr(config)


def test_the_store_password_comes_from_a_file(folder: Path) -> None:
    (folder / "store.password").write_text("another\n")
    config = load(folder, on_postgresql(URL, 'password_file = "store.password"'))
    assert config.store_password is not None
    assert config.store_password.get_secret_value() == "another"
    (folder / "store.password").chmod(0o644)
    assert "is not secret" in refusal(folder, on_postgresql(URL, 'password_file = "store.password"'))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (['url = "postgresql://centre:hush@127.0.0.1/wallets"'], "a password does not belong in the address"),
        (['url = "mysql://centre@127.0.0.1/wallets"'], "found 'mysql' as its scheme"),
        (['url = "127.0.0.1/wallets"'], "found no scheme"),
        (['url = "postgresql://127.0.0.1/wallets"'], "the user is missing"),
        (['url = "postgresql://centre@/wallets"'], "the host is missing"),
        (['url = "postgresql://centre@127.0.0.1"'], "the database is missing"),
        (['url = "postgresql://centre@127.0.0.1:99999/wallets"'], 'expected "postgresql://'),
        (['url = "postgresql://centre@127.0.0.1/wallets?sslmode=disable"'], "nothing after it"),
        (['url = "postgresql://centre@127.0.0.1/wal%22lets"'], "a character that Askar does not take"),
        (['url = "postgresql://centre@db.example.org/wallets"'], "ca_file is missing"),
        ([URL, "connections = 1"], "[store] connections"),
        ([URL, 'password = "hush"'], "unknown key [store] password"),
        (["connections = 8"], "url is missing"),
    ],
)
def test_refuses_a_store_in_one_line(folder: Path, keys: list[str], expected: str) -> None:
    told = refusal(folder, on_postgresql(*keys), PASSWORD)
    assert expected in told
    assert "hush" not in told


def test_refuses_a_store_without_its_password_and_says_where_to_put_it(folder: Path) -> None:
    told = refusal(folder, on_postgresql(URL))
    assert "no store password" in told
    assert "WANDERBUCH_STORE_PASSWORD" in told
    assert "[store] password_file" in told


def test_a_server_elsewhere_needs_an_authority_or_an_explicit_word(folder: Path) -> None:
    url = 'url = "postgresql://centre@db.example.org:5433/wallets"'
    assert load(folder, on_postgresql(url, 'ca_file = "ca.crt"'), PASSWORD).store.ca_file == folder / "ca.crt"
    assert load(folder, on_postgresql(url, "unsafe_unencrypted = true"), PASSWORD).store.address.port == 5433


def test_processes_can_share_a_public_folder(folder: Path) -> None:
    assert load(folder).public_folder == folder / "data" / "public"
    shared = GOOD.replace("[public]", '[public]\nfolder = "shared"')
    assert load(folder, shared).public_folder == folder / "shared"


OBJECTS = """
[public.objects]
bucket = "public-files"
prefix = "centre"
url = "https://objects.example.org"
access_key = "centre"

[tiny]"""


def with_objects(old: str = "", new: str = "") -> str:
    return GOOD.replace("\n[tiny]", OBJECTS.replace(old, new, 1) if old else OBJECTS)


def test_public_files_may_lie_in_an_object_store_whose_secret_stands_elsewhere(folder: Path) -> None:
    secret = {**ENVIRON, "WANDERBUCH_OBJECTS_SECRET": "s3cret"}
    config = load(folder, with_objects(), secret)
    assert config.public.objects is not None
    assert config.public.objects.prefix == "centre"
    assert config.objects_secret is not None
    assert "s3cret" not in repr(config)
    write_secret(folder / "objects.secret", b"s3cret\n")
    of_file = load(folder, with_objects('access_key = "centre"', 'access_key = "c"\nsecret_file = "objects.secret"'))
    assert of_file.objects_secret == config.objects_secret
    for url in ("http://127.0.0.1:9000", 'http://10.0.0.1:9000"\nunsafe_unencrypted = true\n#"'):
        assert load(folder, with_objects("https://objects.example.org", url), secret).public.objects is not None


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("https://objects.example.org", "http://10.0.0.1:9000", "unsafe_unencrypted = true"),
        ("https://objects.example.org", "https://objects.example.org/public-files", "without a path"),
        ('"centre"', '"../centre"', "prefix"),
        ('"public-files"', '"Public Files"', "bucket"),
        ('access_key = "centre"', "", "access_key"),
        ('access_key = "centre"', 'access_key = "centre"\nsecret = "s3cret"', "secret"),
    ],
)
def test_refuses_an_object_store_that_is_not_told_right(folder: Path, old: str, new: str, complaint: str) -> None:
    assert complaint in refusal(folder, with_objects(old, new), {**ENVIRON, "WANDERBUCH_OBJECTS_SECRET": "s3cret"})


def test_refuses_an_object_store_without_its_secret_or_beside_a_folder(folder: Path) -> None:
    told = refusal(folder, with_objects())
    assert "no object store secret" in told
    assert "WANDERBUCH_OBJECTS_SECRET" in told
    both = with_objects().replace("[public]", '[public]\nfolder = "shared"')
    assert "exclude each other" in refusal(folder, both)


OPENID = """
[app.openid]
issuer = "https://accounts.example.org/"
client_id = "desk"
name = "Accounts"

[tiny]"""


def test_reads_a_provider_of_accounts_with_its_secret_from_a_file_or_the_environment(folder: Path) -> None:
    text = GOOD.replace("\n[tiny]", OPENID)
    config = load(folder, text)
    assert (config.app.openid.issuer, config.openid_secret) == ("https://accounts.example.org/", None)
    named = load(folder, text, {**ENVIRON, "WANDERBUCH_OPENID_SECRET": "from outside"})
    assert named.openid_secret.get_secret_value() == "from outside"
    write_secret(folder / "openid.secret", b"from a file\n")
    kept = load(folder, text.replace('name = "Acc', 'client_secret_file = "openid.secret"\nname = "Acc'))
    assert kept.openid_secret.get_secret_value() == "from a file"
    assert "from a file" not in repr(kept)


@pytest.mark.parametrize("issuer", ["http://accounts.example.org", "accounts.example.org", "https://", "https://a b"])
def test_refuses_a_provider_that_is_no_https_address(folder: Path, issuer: str) -> None:
    text = GOOD.replace("\n[tiny]", OPENID.replace("https://accounts.example.org/", issuer))
    assert "issuer" in refusal(folder, text)


def test_refuses_a_secret_that_is_named_and_not_there(folder: Path) -> None:
    text = GOOD.replace("\n[tiny]", OPENID.replace('name = "Acc', 'client_secret_file = "no.secret"\nname = "Acc'))
    assert "client secret" in refusal(folder, text)


LEDGER = (
    GOOD
    + """
[[indy.ledgers]]
namespace = "sovrin:staging"
genesis_file = "ledgers/pool.txn"

[indy.ledgers.agreement]
version = "2.0"
digest = "8cee5d7a573e4893b08ff53a0761a22a1607df3b3fcd7e75b98696c92879641f"
mechanism = "for_session"
accepted_on = 2026-11-27
"""
)


def test_reads_ledgers_with_paths_relative_to_the_file(folder: Path) -> None:
    (ledger,) = load(folder, LEDGER).indy.ledgers
    assert ledger.genesis_file == folder / "ledgers" / "pool.txn"
    assert ledger.agreement.accepted_on.isoformat() == "2026-11-27"
    assert load(folder).indy.ledgers == ()


def test_says_which_key_of_a_ledger_is_meant(folder: Path) -> None:
    wrong = LEDGER.replace("genesis_file", "genesis_files")
    assert "unknown key [indy.ledgers.0] genesis_files; did you mean 'genesis_file'?" in refusal(folder, wrong)
    assert "expected either genesis_file or genesis_url" in refusal(
        folder, LEDGER.replace('genesis_file = "ledgers/pool.txn"', "")
    )


PLAIN = GOOD.replace('tls_certificate = "tiny.crt"\ntls_key = "keys/tiny.key"\n', "tls_at_proxy = true\n{proxies}")


def test_speaks_plain_http_to_named_proxies(folder: Path) -> None:
    public = load(folder, PLAIN.format(proxies='trusted_proxies = ["127.0.0.1"]')).public
    assert (public.tls_certificate, public.tls_at_proxy) == (None, True)


@pytest.mark.parametrize("proxies", ["", "trusted_proxies = []", 'trusted_proxies = ["10.0.0.5", "0.0.0.0/0"]'])
def test_refuses_plain_http_where_anybody_could_connect(folder: Path, proxies: str) -> None:
    assert "trusted_proxies" in refusal(folder, PLAIN.format(proxies=proxies))


def test_a_certificate_is_never_missing_by_mistake(folder: Path) -> None:
    assert "tls_certificate or tls_key is missing" in refusal(folder, GOOD.replace('tls_key = "keys/tiny.key"', ""))
    both = GOOD.replace("[app]", 'tls_at_proxy = true\ntrusted_proxies = ["127.0.0.1"]\n\n[app]')
    assert "leave tls_certificate and tls_key out" in refusal(folder, both)


class WalletSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    mediator: str | None = None

    @property
    def goes_by_mediator(self) -> bool:
        return self.mediator is not None


class WalletRole(Role):
    name = "tiny"
    settings = WalletSettings


BEHIND = """
role = "tiny"
name = "Phone"
data = "data"

[app]
listen = "127.0.0.1:8081"
token_file = "app.token"

[tiny]
mediator = "https://mediator.example.org/mediator"
"""
PUBLIC = """
[public]
host = "tiny.wanderbuch.test"
listen = "127.0.0.1:8443"
tls_certificate = "tiny.crt"
tls_key = "tiny.key"
"""


def test_only_who_goes_by_a_mediator_has_no_address_and_it_has_none(folder: Path) -> None:
    def told(text: str) -> str:
        path = folder / "tiny.toml"
        path.write_text(text)
        try:
            config = load_config(path, ENVIRON, role=WalletRole())
        except ConfigurationError as err:
            return f"{err.message} {err.hint or ''}"
        return f"{config.public.listen} {config.public.didcomm_endpoint}"

    assert told(BEHIND) == "None didcomm:transport/queue"
    store = BEHIND + '[store]\nurl = "postgresql://phone@127.0.0.1/phone"\n'
    for text, expected in (
        (BEHIND + PUBLIC, "[public] and [tiny] mediator exclude each other"),
        (store, "[store] and [tiny] mediator exclude each other"),
        (BEHIND.replace("mediator =", "# mediator ="), "public is missing"),
        (BEHIND + PUBLIC.replace("listen =", "# listen ="), "listen is missing"),
    ):
        assert expected in told(text)
