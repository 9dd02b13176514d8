"""What an employer's own questions must be like: a document, compiled, explained in plain words, kept by tenant."""
