"""What a governance file says, parsed: identifiers, spans of days, occupations, statements, the index, the snapshot."""
