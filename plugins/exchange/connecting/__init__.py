"""Connections of our own: DID Exchange 1.1 and 1.0 (Aries RFC 0023) on both sides, and out-of-band 1.1 (RFC 0434).

1. The inviter makes an invitation (`invitations`); nothing is kept for it here: a role knows its own.
2. The invitee answers with a request (`invitee.begin`), from a DID made for this connection alone (`peer_dids`).
3. The inviter's role says whether this one gets it (`inviter.InvitationTaker`), and a response goes back. It names a
   fresh DID, signed by the key that the invitation was for (`signed_text`).
4. The invitee checks that, and ends with `complete`.

Each step is named by what it stands for, so that it can be taken again after any interruption, with the same outcome. A
connection is kept twice: as we use it (`connections`), found by our key; and as ACA-Py keeps one (`acapy_entries`), so
that its other protocols and its Admin API find it.
"""
