"""AnonCreds, the first credential format: how it is asked for, read, checked and understood."""
