"""``python -m tinct``: the command, for launchers that start modules."""

from tinct.cli.app import run

if __name__ == "__main__":
    run()
