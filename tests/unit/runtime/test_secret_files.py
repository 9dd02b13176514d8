import logging
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wanderbuch.agents.authority.trqp_role import read_token
from wanderbuch.agents.cli.governance.authority_client import AuthorityClient
from wanderbuch.agents.cli.governance.keys import private_key_in
from wanderbuch.agents.machine.certificates import LocalAuthority
from wanderbuch.agents.runtime.secret_files import ExposedSecretError, check_secret, read_secret, write_secret
from wanderbuch.agents.runtime.sockets import tls_context
from wanderbuch.errors import ConfigurationError

SOMEBODY = 12_345
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="giving a file to somebody else needs root")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    path = folder / "app.token"
    write_secret(path, b"0123456789abcdef0123456789")
    return path


def refused(path: Path) -> str:
    """Return the command that mends it."""
    with pytest.raises(ExposedSecretError) as caught:
        read_secret(path, "app token")
    assert "0123456789" not in caught.value.message
    assert caught.value.hint is not None
    return caught.value.hint.removeprefix("run: ")


def mend(command: str) -> None:
    subprocess.run(["sh", "-c", command], check=True)


def test_reads_what_is_its_owners_alone(secret: Path) -> None:
    assert read_secret(secret, "app token").startswith(b"0123")
    secret.chmod(0o400)
    assert read_secret(secret, "app token").startswith(b"0123")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666, 0o644, 0o440, 0o444])
def test_refuses_what_others_can_use_and_the_command_mends_it(secret: Path, mode: int) -> None:
    secret.chmod(mode)
    command = refused(secret)
    assert command == f"chmod 600 {secret}"
    mend(command)
    assert read_secret(secret, "app token")


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
def test_refuses_a_secret_in_a_folder_that_others_can_write_to(secret: Path, mode: int) -> None:
    secret.parent.chmod(mode)
    command = refused(secret)
    assert command == f"chmod go-w {secret.parent}"
    mend(command)
    assert read_secret(secret, "app token")


def test_takes_a_secret_in_a_folder_where_everybody_owns_what_is_his(secret: Path) -> None:
    secret.parent.chmod(0o1777)
    assert read_secret(secret, "app token")


def test_refuses_a_secret_below_a_folder_that_everybody_can_write_to(secret: Path) -> None:
    deeper = secret.parent / "keys"
    deeper.mkdir(mode=0o700)
    secret = secret.rename(deeper / "app.token")
    deeper.parent.chmod(0o777)
    assert refused(secret) == f"chmod o-w {deeper.parent}"


def test_looks_where_a_link_leads(secret: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(secret)
    assert read_secret(link, "app token")
    secret.parent.chmod(0o777)
    refused(link)
    secret.parent.chmod(0o755)
    secret.chmod(0o644)
    refused(link)


def test_a_name_with_spaces_gives_a_command_that_works(secret: Path) -> None:
    odd = secret.rename(secret.with_name("app token; $(x)"))
    odd.chmod(0o644)
    mend(refused(odd))
    assert read_secret(odd, "app token")


@needs_root
def test_refuses_what_belongs_to_somebody_else(secret: Path) -> None:
    os.chown(secret, SOMEBODY, SOMEBODY)
    command = refused(secret)
    assert "chown root" in command
    mend(command)
    assert read_secret(secret, "app token")


@needs_root
def test_refuses_what_lies_in_somebody_elses_folder(secret: Path) -> None:
    os.chown(secret.parent, SOMEBODY, SOMEBODY)
    mend(refused(secret))
    assert read_secret(secret, "app token")


def test_reads_a_pipe_that_a_shell_made() -> None:
    code = (
        "from pathlib import Path\nimport sys\n"
        "from wanderbuch.agents.runtime.secret_files import read_secret\n"
        "print(read_secret(Path(sys.argv[1]), 'key').decode())"
    )
    script = f'{sys.executable} -c "$1" <(printf abc)'
    told = subprocess.run(["bash", "-c", script, "bash", code], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "abc"


def test_refuses_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="expected a file"):
        read_secret(tmp_path, "app token")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_secret(tmp_path / "none", "app token")


def test_a_mount_that_nobody_can_write_to_is_a_warning(tmp_path: Path) -> None:
    """As Kubernetes mounts a secret: links by way of ..data, mode 0644, in a folder that everybody may write to."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare (Debian: util-linux)")
    code = (
        "import logging\nfrom pathlib import Path\n"
        "from wanderbuch.agents.runtime.secret_files import read_secret\n"
        f"print(read_secret(Path({str(tmp_path / 'mount' / 'app.token')!r}), 'app token').decode())"
    )
    script = (
        "set -e; mkdir $1; mount -t tmpfs -o mode=0777 none $1; mkdir $1/..2026; echo abc > $1/..2026/app.token; "
        "chmod 0755 $1/..2026; chmod 0444 $1/..2026/app.token; "
        'ln -s ..2026 $1/..data; ln -s ..data/app.token $1/app.token; if "$2" -c "$3"; then exit 9; fi; '
        'mount -o remount,ro $1; exec "$2" -c "$3"'
    )
    command = ["unshare", "-r", "-m", "sh", "-c", script, "sh", str(tmp_path / "mount"), sys.executable, code]
    told = subprocess.run(command, check=False, capture_output=True, text=True)
    if "Operation not permitted" in told.stderr:
        pytest.skip("this machine lets nobody mount: allow user namespaces")
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip() == "abc"
    assert "ExposedSecretError" in told.stderr  # while it could be written to
    assert "is used although others can use it (mode 0444): it lies on a read-only mount" in told.stderr


def test_what_is_written_is_secret_from_its_first_byte(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_secret(tmp_path / "key", b"abc")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        write_secret(tmp_path / "key", b"def")


READERS: dict[str, Callable[[Path], object]] = {
    "a signing key, a witness's key": private_key_in,
    "an official's token": lambda path: AuthorityClient("https://authority.example.org", path),
    "the TRQP token": read_token,
    "any": lambda path: check_secret(path, "key"),
}


@pytest.mark.parametrize("name", READERS)
def test_every_reader_of_a_secret_refuses_one_that_others_can_read(secret: Path, name: str) -> None:
    secret.chmod(0o640)
    with pytest.raises(ExposedSecretError, match="others can use it"):
        READERS[name](secret)


def test_refuses_a_tls_key_that_others_can_read(tmp_path: Path) -> None:
    certificate, key = tmp_path / "x.crt", tmp_path / "x.key"
    LocalAuthority().write_server("x.wanderbuch.test", certificate, key)
    assert tls_context(certificate, key)
    key.chmod(0o644)
    with pytest.raises(ExposedSecretError, match="the TLS key"):
        tls_context(certificate, key)


def test_no_warning_where_nothing_is_wrong(secret: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        read_secret(secret, "app token")
    assert not caplog.records
