"""The wallet as a client of a mediator: reached there, and nowhere else.

DID Exchange with the mediator, Coordinate Mediation 1.0 (Aries RFC 0211), Message Pickup 2.0 in live mode (RFC 0685)
over a web socket; in short: docs/wallet-developers.md, seen from the other side.
"""
