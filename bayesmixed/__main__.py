"""`python -m bayesmixed` is the command `bayesmixed`."""

from bayesmixed.cli import main

main()
