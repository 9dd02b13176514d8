"""The pages by which people sign in, see what they sign in with, and let others in."""
