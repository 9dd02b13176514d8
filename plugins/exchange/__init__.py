"""Our own path for the DIDComm v1 protocols that we speak: from an opened envelope to a saved state.

ACA-Py stays the ground: conductor, profiles, Askar, registries, resolver, its other protocols and its Admin API.
"""
