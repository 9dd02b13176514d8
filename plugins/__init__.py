"""What ACA-Py lacks: one HTTP edge, did:webvh with AnonCreds objects, and trust enforced inside the agent."""
