"""How a governance file is written: its members, its rules, and every mistake found in one pass."""
