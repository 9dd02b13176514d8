"""Where Node.js is absent these tests are skipped for a developer, and fail in CI: interoperability must be proven."""

import os

import pytest
from tests.interop.credo_install import NodeIsMissingError, require_node


@pytest.fixture(autouse=True)
def node(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("needs_node") is None:
        return
    try:
        require_node()
    except NodeIsMissingError as missing:
        if os.environ.get("CI", "").lower() in {"", "0", "false"}:
            pytest.skip(str(missing))
        pytest.fail(str(missing), pytrace=False)
