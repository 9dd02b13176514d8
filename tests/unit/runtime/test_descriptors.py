import logging
import resource
import subprocess
import sys

import pytest

from wanderbuch.agents.runtime.descriptors import share_out


@pytest.mark.parametrize("limit", [256, 512, 1024, 4096, 1_048_576])
def test_keeps_descriptors_back_for_everything_but_strangers(limit: int) -> None:
    shares = share_out(limit, public=512, app=256, wallet_connections=32)
    assert shares.app >= 16
    if limit >= 1024:  # a socket and a file for each, and still the wallet, what goes out, and the app site
        assert 2 * shares.public + shares.app + 3 * 32 + 200 <= limit
        assert shares.public >= 128
    assert shares.public <= 512


def test_gives_what_is_configured_where_there_is_plenty() -> None:
    shares = share_out(20_000, public=512, app=256, wallet_connections=32)
    assert (shares.public, shares.app) == (512, 256)


def test_warns_where_the_process_may_open_few_files(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        share_out(1024, public=512, app=256, wallet_connections=32)
        assert not caplog.records
        share_out(512, public=512, app=256, wallet_connections=32)
    assert [record.getMessage() for record in caplog.records] == ["descriptors.few"]


def test_raises_the_soft_limit_to_the_hard_one() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = 700 if hard == resource.RLIM_INFINITY else min(700, hard)
    code = (
        "import resource\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, (64, {wanted}))\n"
        "from wanderbuch.agents.runtime.descriptors import raise_limit\n"
        "print(raise_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))\n"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.split() == [str(wanted)] * 3
