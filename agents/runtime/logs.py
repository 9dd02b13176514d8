"""Structured logs: one JSON object a line on standard error, with identifiers, states and durations only.

What ACA-Py's own loggers say can hold claims (an event's payload, a record, a marshmallow error quote them), so of a
foreign record only the logger, the place and the kinds of exceptions are printed, never its text. Of a programming
error, ours or not, the text is printed as far as it follows from the code alone (`wanderbuch.faults`).
"""

import json
import logging
import sys
import traceback
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from wanderbuch.faults import OWN, causes, fault_place, fault_text

_FIELDS = "wanderbuch_fields"
_MAX_FRAMES = 8


def log_event(
    logger: logging.Logger,
    level: int,
    event: str,
    *,
    error: BaseException | None = None,
    **fields: str | float | bool | None,
) -> None:
    """Log a named event, such as `didcomm.kept`, with fields that hold nothing personal and no secret."""
    logger.log(level, event, exc_info=error, extra={_FIELDS: fields})


def configure_logs(level: str, *, agent: str, unsafe_acapy_details: bool = False, stream: TextIO | None = None) -> None:
    """Send all logs of this process to standard error as JSON lines.

    Args:
        level: lowest level of our own loggers; foreign ones print from WARNING.
        agent: name of the role, in every line.
        unsafe_acapy_details: print the text of foreign records too; it can hold claims.
        stream: instead of standard error.
    """
    # No line says them, so no record looks for them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_JsonLines(agent, unsafe_acapy_details))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in OWN:
        logging.getLogger(name).setLevel(level.upper())
    # It warns of each protocol that we block.
    logging.getLogger("acapy_agent.core.plugin_registry").setLevel(logging.ERROR)
    # It warns of each attempt while a database is away; we say so ourselves, with what to do.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    if not unsafe_acapy_details:
        # Deprecations inside libraries: nothing that an operator could act on.
        warnings.simplefilter("ignore")


class _JsonLines(logging.Formatter):
    def __init__(self, agent: str, unsafe_acapy_details: bool) -> None:
        super().__init__()
        self._agent = agent
        self._unsafe_acapy_details = unsafe_acapy_details

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        own = record.name.partition(".")[0] in OWN
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "agent": self._agent,
        }
        if own:
            line["event"] = record.getMessage()
            line |= getattr(record, _FIELDS, {})
        else:
            line["event"] = "foreign"
            line["logger"] = record.name
            line["at"] = f"{record.module}.{record.funcName}:{record.lineno}"
            if self._unsafe_acapy_details:
                line["unsafe_text"] = record.getMessage()
        if record.exc_info and record.exc_info[1]:
            line |= _shape(record.exc_info[1])
            if self._unsafe_acapy_details:
                line["unsafe_traceback"] = "".join(traceback.format_exception(record.exc_info[1]))
        return json.dumps(line, ensure_ascii=False)


def _shape(err: BaseException) -> dict[str, object]:
    """Return the kinds of an exception and its causes, the texts of programming errors, and where: no values."""
    shape: dict[str, object] = {"errors": [type(cause).__qualname__ for cause in causes(err)]}
    if texts := [f"{type(cause).__qualname__}: {text}" for cause in causes(err) if (text := fault_text(cause))]:
        shape["faults"] = texts
    if place := fault_place(err):
        shape["place"] = place
    shape["frames"] = [
        f"{Path(frame.filename).parent.name}/{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(err.__traceback__)[-_MAX_FRAMES:]
    ]
    return shape
