"""What some tests need of the machine beside Python; where it is missing they are skipped with what to install.

    @pytest.mark.needs("node", "compiler")

Nothing fails for want of it but `.ci/run`, where every skip is a failure. The skip is decided when tests are collected,
before any fixture: those of a module, which start agents, would fail first.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from tests.thorough import IS_THOROUGH

from wanderbuch.agents.machine.postgresql import HOW_TO_INSTALL, MISSING, postgresql_programs

OLDEST_NODE: Final = 20
NOTO: Final = Path("/usr/share/fonts/truetype/noto")
"""Where Debian has fonts of many scripts."""
MARK: Final = "needs"
_BROWSER: Final = "chromium"
_SHELL: Final = "chromium-headless-shell"
_INSTALL: Final = "Debian: apt-get install"
_OR_NAMED: Final = "; or name one in the environment as CHROMIUM"


def chromium_program() -> Path | None:
    """Return the browser: the one that the environment names as CHROMIUM, else one on the path.

    Without windows Chromium loads, draws and runs a page as it does with them, for half of the work: the whole one
    draws its tabs and bars even where nobody sees them. So `make system` takes the shell where it is there, and
    `make soak` the whole one. The shell has no camera.
    """
    is_whole = IS_THOROUGH or os.environ.get("CHROMIUM")
    return (None if is_whole else chromium_shell()) or whole_chromium() or chromium_shell()


def whole_chromium() -> Path | None:
    """Return the browser that has windows and cameras, or the one that the environment names as CHROMIUM."""
    return _on_path(os.environ.get("CHROMIUM") or _BROWSER)


def chromium_shell() -> Path | None:
    """Return the browser without windows."""
    return _on_path(_SHELL)


def _on_path(name: str) -> Path | None:
    which = shutil.which(name)
    return Path(which) if which else None


def node_is_missing() -> str | None:
    """Return why there is no usable Node.js with npm, or None if there is."""
    wanted, hint = f"Node.js {OLDEST_NODE} or newer", "(Debian 13: apt-get install nodejs npm)"
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return f"{wanted} and npm {hint}"
    rows = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    version = re.match(r"v(\d+)\.", rows)
    if version is None or int(version[1]) < OLDEST_NODE:
        return f"{wanted}, found {rows or 'one that does not run'} {hint}"
    return None


def _program(name: str, package: str) -> Callable[[], str | None]:
    return lambda: None if shutil.which(name) else f"{name} (Debian: apt-get install {package})"


def _chromium_is_missing() -> str | None:
    return None if chromium_program() else f"Chromium ({_INSTALL} {_SHELL}, or {_BROWSER}{_OR_NAMED})"


def _camera_is_missing() -> str | None:
    return None if whole_chromium() else f"Chromium with a camera ({_INSTALL} {_BROWSER}{_OR_NAMED})"


def _compiler_is_missing() -> str | None:
    missing = [name for name in ("g++", "make", "python3") if not shutil.which(name)]
    return f"{', '.join(missing)} (Debian: apt-get install g++ make python3)" if missing else None


def _containers_are_missing() -> str | None:
    missing = [name for name in ("podman", "buildah", "debootstrap", "iptables") if not shutil.which(name)]
    packages = "podman buildah runc netavark aardvark-dns iptables debootstrap"
    return f"{', '.join(missing)} (Debian: apt-get install {packages})" if missing else None


def _noto_is_missing() -> str | None:
    return None if (NOTO / "NotoSansSinhala-Bold.ttf").exists() else f"Noto's fonts ({_INSTALL} fonts-noto-core)"


@cache
def _postgresql_is_missing() -> str | None:
    return None if postgresql_programs() else f"{MISSING} ({HOW_TO_INSTALL})"


NEEDS: Final[Mapping[str, Callable[[], str | None]]] = {
    "node": cache(node_is_missing),
    "compiler": cache(_compiler_is_missing),
    "chromium": cache(_chromium_is_missing),
    "camera": cache(_camera_is_missing),
    "faketime": _program("faketime", "faketime"),
    "openssl": _program("openssl", "openssl"),
    "nginx": _program("nginx", "nginx"),
    "postgresql": _postgresql_is_missing,
    "noto": _noto_is_missing,
    "containers": _containers_are_missing,
    "full device": lambda: (
        None if Path("/dev/full").exists() else "/dev/full, a device that is always full (Linux has one)"
    ),
}
"""What a test can name, and for each what is missing here and how to install it; None if it is there."""


def missing(names: Iterable[str]) -> list[str]:
    """Return what is not on this machine of what is named.

    Raises:
        KeyError: `NEEDS` does not know a name.
    """
    return [lacking for name in names if (lacking := NEEDS[name]())]


def skip_what_cannot_run(items: Iterable[pytest.Item]) -> None:
    """Mark each test whose needs are not met as skipped, with what to install."""
    for item in items:
        names = [name for mark in item.iter_markers(MARK) for name in mark.args]
        if lacking := missing(names):
            item.add_marker(pytest.mark.skip(reason=f"needs {'; '.join(lacking)}"))
