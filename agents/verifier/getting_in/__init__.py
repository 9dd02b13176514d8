"""Getting in: a question without an account (`walk_in…`), and an employer's own tenant by a page (`sign_up…`)."""
