"""`python -m ganjax COMMAND`: the command line, as `ganjax COMMAND`."""

from ganjax.commands import main

if __name__ == "__main__":
    main()
