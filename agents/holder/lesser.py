"""A request without what may be left out of an answer (ADR 101), read as the whole one is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wanderbuch.agents.holder.asked import ProofRequest, parse_proof_request
from wanderbuch.errors import PresentationError
from wanderbuch.plugins.exchange.left_out import LeftOutError, MayBeLeftOut
from wanderbuch.schemas.attribute_names import common_name


@dataclass(frozen=True, slots=True)
class LesserRequest:
    """What is asked at least.

    Args:
        request: what is asked then.
        left_out: the attributes of which the verifier then learns nothing, in the order in which they are asked.
        asked: the request itself.
    """

    request: ProofRequest
    left_out: tuple[str, ...]
    asked: Mapping[str, Any]


def read_lesser(whole: ProofRequest, asked: Mapping[str, Any], may_be_left_out: MayBeLeftOut) -> LesserRequest:
    """Return the lesser request.

    Args:
        whole: the whole one, read.
        asked: the same as it came.
        may_be_left_out: what its message says.

    Raises:
        PresentationError: that is no part of what is asked, or would be learnt all the same.
    """
    try:
        lesser = may_be_left_out.without(asked)
    except LeftOutError as err:
        raise PresentationError(err.message) from err
    request = parse_proof_request(lesser)
    learnt = request.learnt
    if any(common_name(name) in learnt for name in may_be_left_out.attributes):
        raise PresentationError("what may be left out is asked a second time")
    left_out = tuple(dict.fromkeys(name for group in whole.groups for name in group.names if name not in learnt))
    return LesserRequest(request, left_out, lesser)
