"""did:webvh and AnonCreds objects on it, published as files: an ACA-Py plugin."""
