"""Questions without an account: what is asked, what is kept of it, and when it goes. The pages are in `getting_in`."""
