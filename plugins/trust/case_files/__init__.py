"""Case files: one answer with all that its decision rests on, sealed, to be decided again years later."""
