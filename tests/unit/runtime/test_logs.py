import io
import json
import logging
from collections.abc import Iterator

import pytest

from wanderbuch.agents.runtime.logs import configure_logs, log_event


@pytest.fixture
def stderr() -> Iterator[io.StringIO]:
    written = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(written: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_what_acapy_says_is_printed_by_place_and_kind_never_by_text(stderr: io.StringIO) -> None:
    configure_logs("info", agent="issuer", stream=stderr)
    failure = ValueError("Nimal Perera, born 19990101")
    logging.getLogger("acapy_agent.core.event_bus").error("event: %s", {"name": "Nimal"}, exc_info=failure)
    logging.getLogger("acapy_agent.anything").info("Nimal")
    assert "Nimal" not in stderr.getvalue()
    (line,) = lines(stderr)
    assert line["logger"] == "acapy_agent.core.event_bus"
    assert line["errors"] == ["ValueError"]


def test_our_events_carry_their_fields(stderr: io.StringIO) -> None:
    configure_logs("info", agent="issuer", stream=stderr)
    log_event(logging.getLogger("wanderbuch.agents.x"), logging.INFO, "offer.made", offer="1", ms=3)
    log_event(logging.getLogger("wanderbuch.agents.x"), logging.DEBUG, "not.shown")
    (line,) = lines(stderr)
    assert (line["event"], line["offer"], line["ms"], line["agent"]) == ("offer.made", "1", 3, "issuer")


def test_our_own_exceptions_print_without_their_text(stderr: io.StringIO) -> None:
    configure_logs("info", agent="issuer", stream=stderr)
    logging.getLogger("wanderbuch.agents.x").error("app.failed", exc_info=KeyError("Nimal"))
    assert "Nimal" not in stderr.getvalue()
    assert lines(stderr)[0]["errors"] == ["KeyError"]


def test_the_unsafe_switch_prints_everything(stderr: io.StringIO) -> None:
    configure_logs("info", agent="issuer", stream=stderr, unsafe_acapy_details=True)
    logging.getLogger("acapy_agent.x").error("said %s", "this")
    assert lines(stderr)[0]["unsafe_text"] == "said this"


def test_a_programming_error_prints_its_text_and_its_place_whoever_logs_it(stderr: io.StringIO) -> None:
    configure_logs("info", agent="issuer", stream=stderr)
    for name in ("wanderbuch.agents.x", "acapy_agent.core.dispatcher"):
        try:
            [member for member in object()]  # type: ignore[attr-defined]  # noqa: C416
        except TypeError as err:
            logging.getLogger(name).exception("Nimal", exc_info=err)
    for line in lines(stderr):
        assert line["faults"] == ["TypeError: 'object' object is not iterable"]
        assert str(line["place"]).startswith("tests/unit/runtime/test_logs.py:")


def test_what_a_message_set_off_prints_its_kind_and_place_without_its_text(stderr: io.StringIO) -> None:
    configure_logs("info", agent="issuer", stream=stderr)
    try:
        {}["Nimal"]
    except KeyError as err:
        logging.getLogger("wanderbuch.agents.x").exception("app.failed", exc_info=err)
    (line,) = lines(stderr)
    assert "Nimal" not in stderr.getvalue()
    assert (line["errors"], "faults" in line) == (["KeyError"], False)
    assert str(line["place"]).startswith("tests/unit/runtime/test_logs.py:")
