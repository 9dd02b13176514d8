"""The AnonCreds library, called directly: objects with their handles at hand, and what its callers must check."""
