"""``python -m tinct``: the command, for launchers that start modules."""

from tinct.cli.app import main

if __name__ == "__main__":
    main()
