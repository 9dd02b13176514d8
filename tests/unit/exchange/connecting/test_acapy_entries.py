"""What we write of a connection is what ACA-Py's own record would."""

import json

import pytest
from acapy_agent.connections.models.conn_record import ConnRecord

from wanderbuch.plugins.exchange.connecting import acapy_entries as acapy


@pytest.mark.parametrize("is_inviter", [True, False])
@pytest.mark.parametrize("their_did", ["did:peer:4zthem", None])
@pytest.mark.parametrize(
    ("state", "error"), [(acapy.REQUESTED, None), (acapy.COMPLETED, None), (acapy.ABANDONED, "request_not_accepted")]
)
def test_an_entry_has_the_form_of_acapys_record(
    is_inviter: bool, their_did: str | None, state: str, error: str | None
) -> None:
    connection = acapy.AcapyConnection(
        id="the connection",
        own_did="did:peer:4zus",
        their_did=their_did,
        invitation_id="the invitation",
        request_id="the request",
        protocol="didexchange/1.1",
        is_inviter=is_inviter,
        label="Nimal's wallet",
        invitation_key="a key",
        their_public_did=None if is_inviter else "did:webvh:issuer",
    )
    category, name, value, tags = connection.entry(state, error)
    written = json.loads(value)
    role = ConnRecord.Role.REQUESTER if is_inviter else ConnRecord.Role.RESPONDER
    record = ConnRecord(
        connection_id="the connection",
        my_did="did:peer:4zus",
        their_did=their_did,
        their_label="Nimal's wallet",
        their_role=role.rfc160,
        invitation_key="a key",
        invitation_msg_id="the invitation",
        request_id="the request",
        state=state,
        accept=ConnRecord.ACCEPT_AUTO,
        their_public_did=connection.their_public_did,
        connection_protocol="didexchange/1.1",
        error_msg=error,
        created_at=written["created_at"],
        updated_at=written["updated_at"],
    )
    assert (category, name) == (ConnRecord.RECORD_TYPE, record.connection_id)
    assert written == record.value
    assert tags == {name: tag for name, tag in record.tags.items() if tag is not None}
    assert written["created_at"] is not None
