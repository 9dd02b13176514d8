"""An ACA-Py plugin with one Admin route, `POST /bench/did`: stock ACA-Py has none that makes a did:webvh."""

from typing import Any


async def setup(context: Any) -> None:
    """Do nothing: there is only the route."""
