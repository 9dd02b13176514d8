"""Who has no network asks nobody, whatever is asked."""

import pytest
from tests.unit.http.tls_host import TlsHost

from wanderbuch.plugins.http.answers import Redirect
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import NotFoundError, UnreachableError
from wanderbuch.plugins.http.replaying import RecordingEdge, ReplayingEdge


async def test_a_recording_answers_both_ways_of_asking_and_nothing_else(host: TlsHost) -> None:
    edge = ReplayingEdge({host.url("page"): b"kept"})
    assert (await edge.get(host.url("page"), max_bytes=10, timeout_s=1)).body == b"kept"
    answer = await edge.get_or_location(host.url("page"), max_bytes=10, timeout_s=1)
    assert not isinstance(answer, Redirect)
    assert answer.body == b"kept"
    for ask in (edge.get, edge.get_or_location):
        with pytest.raises(NotFoundError):
            await ask(host.url("other"), max_bytes=10, timeout_s=1)
    with pytest.raises(UnreachableError):
        await edge.post(host.url("page"), b"", content_type="text/plain", max_bytes=10, timeout_s=1)
    assert host.requests == []


async def test_who_records_asks_through_the_other_edge(edge: HttpEdge, host: TlsHost) -> None:
    recording = RecordingEdge(edge)
    with pytest.raises(NotFoundError):
        await recording.get_or_location(host.url("other"), max_bytes=10, timeout_s=5)
    assert [request.path for request in host.requests] == ["/other"]
    assert recording.recorded == {}
