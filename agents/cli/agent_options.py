"""Commands that ask an agent that runs by its REST API: their options, and the asking."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer

DEFAULT_URL: Final = "http://127.0.0.1:8081"

UrlOption = Annotated[str, typer.Option("--agent", help="Where the agent's app site listens.")]
TokenOption = Annotated[
    Path, typer.Option("--token-file", help="A file with the operator's or the tenant's token.", show_default=False)
]
TenantOption = Annotated[
    str | None, typer.Option("--tenant", help="Which tenant; by default the default one.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the agent's answer as JSON.")]


def ask_agent(
    url: str,
    token_file: Path,
    tenant: str | None,
    group: str,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what an agent answers.

    Args:
        url: where its app site listens.
        token_file: the token that it is asked with.
        tenant: whose routes; None: the default tenant's.
        group: of the routes: "webhooks".
        method: of the request.
        path: of one of the routes, below its group.
        body: ready for JSON.

    Raises:
        ConfigurationError: the token or the address cannot be used.
        WanderbuchError: the agent cannot be reached, or refuses.
    """
    from wanderbuch.agents.cli.governance.authority_client import AuthorityClient

    routes = group if tenant is None else f"t/{quote(tenant, safe='')}/{group}"

    async def ask() -> dict[str, Any]:
        async with AuthorityClient(url, token_file, group=routes) as client:
            return await client.ask(method, path, body)

    return asyncio.run(ask())
