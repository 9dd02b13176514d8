"""The route of the plugin; ACA-Py finds it by this module's name."""

from typing import Any

from aiohttp import web

from wanderbuch.plugins.webvh.dids import create_did
from wanderbuch.plugins.webvh.publisher import Publisher


async def _make(request: web.Request) -> web.Response:
    told = await request.json()
    profile = request["context"].profile
    did = await create_did(
        profile,
        host=told["host"],
        path=told["path"],
        didcomm_endpoint=told["endpoint"],
        publisher=profile.inject(Publisher),
        prerotation=True,
    )
    return web.json_response({"did": str(did)})


async def register(app: Any) -> None:
    """Add the route to the Admin API."""
    app.add_routes([web.post("/bench/did", _make)])
