"""The issuer: offers, signs and revokes qualifications, within what the authority lets it attest.

    standing ─► desk (offers) ─► delivery ─► answering (signs) ─► resending
       │          places, signing                                revocations ─► notices

What it handles, and its start, are in `role`.
"""
