"""Of each connection one session ticket: what a browser resumes with, and no byte more of them on a worker's line."""

import contextlib
import ssl
from pathlib import Path

from tests.unit.runtime.authorities import HOST, Signer, pem

from wanderbuch.agents.runtime.server_tls import ServerTls

_TICKET_BYTES = 400  # at most


def connected(
    client: ssl.SSLContext, server: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[ssl.SSLObject, int]:
    """Return the client's end after a handshake and a first answer, and how many bytes the server sent."""
    to_server, to_client = (ssl.MemoryBIO(), ssl.MemoryBIO()), (ssl.MemoryBIO(), ssl.MemoryBIO())
    theirs = client.wrap_bio(to_client[1], to_server[0], server_hostname=HOST, session=session)
    ours = server.wrap_bio(to_server[1], to_client[0], server_side=True)
    sent = 0

    def carry() -> int:
        to_server[1].write(to_server[0].read())
        answer = to_client[0].read()
        to_client[1].write(answer)
        return len(answer)

    for _ in range(4):
        for end in (theirs, ours):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
            sent += carry()
    ours.write(b"!")
    sent += carry()
    assert theirs.read(1) == b"!"
    return theirs, sent


def test_each_connection_brings_one_ticket_and_the_next_one_resumes_with_it(tmp_path: Path) -> None:
    root = Signer("Root")
    (tmp_path / "ca.crt").write_bytes(pem([root.certificate]))
    root.certify(HOST).write(tmp_path)
    tls = ServerTls(tmp_path / "server.crt", tmp_path / "server.key", host=HOST)
    client = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    first, sent = connected(client, tls.context, None)
    second, resumed = connected(client, tls.context, first.session)
    third, resumed_again = connected(client, tls.context, second.session)
    assert not first.session_reused
    assert second.session_reused
    assert third.session_reused
    assert resumed < sent
    tls.context.num_tickets = 0
    _, without = connected(client, tls.context, None)
    assert 0 < sent - without < _TICKET_BYTES
    assert abs(resumed - resumed_again) < 10
