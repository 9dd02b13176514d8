"""`wanderbuch <role> ready`: what an operator and a health check learn of an agent, and of whoever else is there."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from wanderbuch.agents.cli.asking_ready import Readiness, ask_ready
from wanderbuch.agents.machine.ports import free_port
from wanderbuch.errors import ConfigurationError


def configured(folder: Path, listen: str) -> Path:
    path = folder / "issuer.toml"
    path.write_text(f'role = "issuer"\n[app]\nlisten = "{listen}"\ntoken_file = "app.token"\n')
    return path


async def asked(folder: Path, answer: web.Response) -> Readiness:
    async def ready(_: web.Request) -> web.Response:
        return answer

    app = web.Application()
    app.router.add_get("/ready", ready)
    async with TestServer(app) as server:
        return await asyncio.to_thread(ask_ready, configured(folder, f"0.0.0.0:{server.port}"))


def answer(ready: bool, **checks: Any) -> web.Response:
    return web.json_response({"ready": ready, "checks": checks, "warnings": []}, status=200 if ready else 503)


async def test_one_that_is_ready_is(tmp_path: Path) -> None:
    assert await asked(tmp_path, answer(True, store="ok")) == Readiness(ready=True, line="ready")


async def test_one_that_is_not_says_why(tmp_path: Path) -> None:
    readiness = await asked(tmp_path, answer(False, store="unreachable"))
    assert readiness == Readiness(ready=False, line="not ready: store: unreachable")


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"checks": 1}'])
async def test_somebody_else_is_not_taken_for_it(tmp_path: Path, body: str) -> None:
    readiness = await asked(tmp_path, web.Response(text=body))
    assert not readiness.ready
    assert "no agent" in readiness.line


def test_where_nobody_answers_it_is_not_ready(tmp_path: Path) -> None:
    readiness = ask_ready(configured(tmp_path, f"127.0.0.1:{free_port()}"))
    assert not readiness.ready
    assert "nobody answers" in readiness.line


@pytest.mark.parametrize("text", ["", "[app]", "role = ", '[app]\nlisten = "nowhere"'])
def test_a_configuration_without_an_app_site_is_a_mistake(tmp_path: Path, text: str) -> None:
    path = tmp_path / "issuer.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="listen"):
        ask_ready(path)


def test_a_configuration_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        ask_ready(tmp_path / "none.toml")
