"""For people under age or with somebody's help: relation and consent are written down; no more is promised.

`consents` writes them down, `consent_api` is the REST API; the record is `issuer.consent`.
"""
