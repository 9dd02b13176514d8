"""DIDComm v2 beside v1: envelopes, messages, and which of the two a peer gets (DIDComm Messaging 2.1)."""
