"""How a centre comes to count: it checks in with the code of its authority, or applies; and what it may issue then."""
