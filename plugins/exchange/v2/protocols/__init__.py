"""The protocols of DIDComm v2 that we speak: messages, strictly read, and what is answered."""
