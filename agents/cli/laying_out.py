"""`wanderbuch <role> init`: a folder with an agent's configuration and its secrets, to start from."""

import importlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import base58

from wanderbuch.agents.cli.laying_out_scale import PROCESSES, Scale
from wanderbuch.agents.machine.toml import to_toml
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.config_secrets import OBJECTS_SECRET_VARIABLE
from wanderbuch.agents.runtime.secret_files import write_secret
from wanderbuch.errors import ConfigurationError

DATA_IN_CONTAINER: Final = "/var/lib/wanderbuch"
_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 (in a container: what is published decides who reaches it)
_HERE: Final = "127.0.0.1"
_OWN_FOLDER: Final = 0o700


def lay_out(
    role: str,
    folder: Path,
    *,
    name: str,
    host: str,
    in_container: bool,
    governance: Mapping[str, str] | None,
    table: Mapping[str, object],
    scale: Scale | None = None,
) -> Path:
    """Write the configuration of a new agent with fresh secrets, and return where the configuration is.

    Args:
        role: authority, issuer, holder, verifier, mediator or wallet_host.
        folder: of the configuration; made if it is not there.
        name: what people are shown.
        host: its public name.
        in_container: whether it runs in a container, with its data where the image has them.
        governance: the table `[governance]`; None: it follows nobody.
        table: the role's own table.
        scale: where it runs as several processes, behind what; then in containers.

    Raises:
        ConfigurationError: something of it is there already, or a value is not right; then nothing is written.
    """
    document, files = _one_process(role, name, host, in_container=in_container or scale is not None)
    document |= {"governance": governance, role: dict(table) or None}
    if scale is not None:
        files |= scale.add_to(document, role, host)
    path = folder / f"{role}.toml"
    if there := [file for file in (path, *(folder / file for file in files)) if file.exists()]:
        raise ConfigurationError(
            f"{there[0]} is there already", hint="choose another folder: a new key would open no store that exists"
        )
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, secret in files.items():
            (folder / file).parent.mkdir(mode=_OWN_FOLDER, exist_ok=True)
            write_secret(folder / file, f"{secret}\n".encode())
            written.append(folder / file)
        written.append(path)
        path.write_text(to_toml({key: value for key, value in document.items() if value is not None}), "utf-8")
        environ = {} if scale is None else {OBJECTS_SECRET_VARIABLE: "which the store gives"}
        load_config(path, environ, role=importlib.import_module(f"wanderbuch.agents.{role}.role").ROLE)
        for number in () if scale is None else PROCESSES:
            (folder / f"data-{number}").mkdir(mode=_OWN_FOLDER, exist_ok=True)
    except BaseException as err:
        for place in written:
            place.unlink(missing_ok=True)
        if isinstance(err, OSError):
            raise ConfigurationError(f"cannot write to {folder}: {err.strerror}") from err
        raise
    return path


def _one_process(role: str, name: str, host: str, *, in_container: bool) -> tuple[dict[str, object], dict[str, str]]:
    """Return a configuration, and the files with its secrets."""
    document: dict[str, object] = {
        "role": role,
        "name": name,
        "data": DATA_IN_CONTAINER if in_container else "data",
        "public": {
            "host": host,
            "listen": f"{_EVERYWHERE}:8443",
            "tls_certificate": "public.crt",
            "tls_key": "public.key",
        },
        "app": {"listen": f"{_EVERYWHERE if in_container else _HERE}:8081", "token_file": "app.token"},
        "wallet": {"key_file": "wallet.key"},
    }
    return document, {
        "app.token": secrets.token_urlsafe(32),
        "wallet.key": base58.b58encode(secrets.token_bytes(32)).decode("ascii"),
    }
