"""What follows from a governance file: the decision, with its rules, recognition and TRQP. Pure."""
