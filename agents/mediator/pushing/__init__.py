"""Web Push: a wallet that is not there is told that something waits for it; what, nobody learns from that.

subscribing (a wallet says where) ─► subscriptions ─► telling (something came) ─► message (RFC 8291) ─► push service
"""
