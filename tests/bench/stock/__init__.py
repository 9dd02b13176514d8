"""Stock ACA-Py beside our agents: `aca-py start` of the installed release, with our did:webvh plugin alone."""
