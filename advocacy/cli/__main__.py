"""`python -m advocacy.cli`."""

from advocacy.cli.main import main

main()
