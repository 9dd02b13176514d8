"""What the pages of all roles share: a role brings templates, catalogues and view functions."""
