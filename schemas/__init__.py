"""What is claimed: credential types, occupations and qualification frameworks as data, and the rules that read them."""
