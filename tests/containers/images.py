"""Images for the tests: ours, built from a checkout, those that its compose files stand on, and the base of all.

    python -m tests.containers.images     # makes them; what did not change since is not made again

Where no registry can be reached, the base is made from Debian's packages, under the name that the Containerfile says.
"""

import subprocess
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
BASE: Final = "docker.io/library/debian:trixie-slim"
_PULL_S: Final = 60
_BUILD_S: Final = 900
_CERTIFICATES: Final = Path("/etc/ssl/certs")


def run(*command: str | Path, timeout_s: float = _BUILD_S, folder: Path | None = None) -> str:
    """Run a program and return what it printed.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=timeout_s, check=False, cwd=folder
    )
    if done.returncode:
        raise RuntimeError(f"{command[:4]} ended with {done.returncode}: {(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def podman(*arguments: str | Path, timeout_s: float = _BUILD_S) -> str:
    """Run podman; errors as with `run`."""
    return run("podman", *arguments, timeout_s=timeout_s)


def has_image(name: str) -> bool:
    return subprocess.run(["podman", "image", "exists", name], check=False, capture_output=True).returncode == 0


def have_base() -> None:
    """See to it that the base image is here."""
    if has_image(BASE):
        return
    try:
        podman("pull", "--quiet", BASE, timeout_s=_PULL_S)
    except (RuntimeError, subprocess.TimeoutExpired):
        _make_base()


def build(checkout: Path, tag: str, *, containerfile: Path | None = None, has_python: bool = True) -> str:
    """Build our image from a checkout, or one of Debian's packages alone, and return its name."""
    have_base()
    # Whom this machine trusts, for pip; packages of Debian write there themselves.
    trusted = ("--volume", f"{_CERTIFICATES}:{_CERTIFICATES}:ro") if has_python else ()
    run(
        "buildah", "build", "--quiet", "--isolation", "chroot", "--layers", *trusted,
        "--file", containerfile or checkout / "compose" / "Containerfile",
        "--tag", tag, checkout,
    )  # fmt: skip
    return tag


def ours() -> str:
    """Build our image, of this checkout, and return its name."""
    return build(ROOT, "localhost/wanderbuch:checked")


def of_debian(name: str) -> str:
    """Build the image of a part of compose.scale.yaml that is not ours, and return its name."""
    file = ROOT / "compose" / f"{name}.Containerfile"
    return build(ROOT, f"localhost/wanderbuch-{name}:checked", containerfile=file, has_python=False)


def _make_base() -> None:
    with tempfile.TemporaryDirectory(prefix="wanderbuch-base-") as folder:
        packages = "--include=python3,python3-venv,ca-certificates"
        run("debootstrap", "--variant=minbase", packages, "trixie", f"{folder}/root")
        container = run("buildah", "from", "scratch").strip()
        try:
            run("buildah", "add", "--quiet", container, f"{folder}/root", "/")
            run("buildah", "commit", "--quiet", container, BASE)
        finally:
            run("buildah", "rm", container)


if __name__ == "__main__":
    print(ours(), of_debian("proxy"), of_debian("database"))
