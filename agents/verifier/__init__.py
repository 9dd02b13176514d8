"""The verifier: asks for a qualification, judges the answer, and says why.

The judgement is `wanderbuch.plugins.trust`; what wallets send comes to its `receiving` from our own transport; the REST
API is in `api`.
"""
