"""`python -m wanderbuch.agents.cli`: the command `wanderbuch` where it is not on the path."""

from wanderbuch.agents.cli import main

main()
