"""Running somebody else's colorizer: a command that turns a folder of gray PNGs into a folder of pictures."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tinct.color.figures import Pixels
from tinct.data.source import SUFFIXES
from tinct.errors import CommandFailed, OptionError
from tinct.media.vips import vips

LAST_LINES = 10
"""Of what a failed command said, are shown."""


def check_command(command: str) -> None:
    """Refuse a command that names not both of its folders.

    Raises:
        OptionError: ``{in}`` or ``{out}`` is missing.
    """
    for part in ("{in}", "{out}"):
        if part not in command:
            raise OptionError(f"--command is {command!r}, without {part}; for example 'tool {{in}} {{out}}'")


def write_gray(folder: Path, number: int, name: str, levels: Pixels) -> str:
    """Write gray levels, (H, W), as an 8-bit gray PNG; return its name without ending, which holds the photograph's."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(name).stem)[:80].strip("-")
    stem = f"{number:06}-{plain}" if plain else f"{number:06}"
    vips().Image.new_from_array(levels).copy(interpretation="b-w").pngsave(str(folder / f"{stem}.png"), compression=1)
    return stem


def run_command(command: str, given: Path, made: Path, time_limit: float) -> float:
    """Run a command once, by the system's shell.

    Args:
        command: with ``{in}`` and ``{out}``, which become the two folders.
        given: the folder of gray PNGs.
        made: an empty folder.
        time_limit: in seconds.

    Returns:
        How many seconds it took.

    Raises:
        CommandFailed: it can't be started, failed, or took too long; with the last lines that it said.
    """
    line = command
    for part, folder in (("{in}", given), ("{out}", made)):
        line = line.replace(
            part, subprocess.list2cmdline([str(folder)]) if os.name == "nt" else shlex.quote(str(folder))
        )
    said = made.parent / "said.txt"
    started = time.monotonic()
    with said.open("wb") as file:
        # A session of its own, so that what the command starts can be stopped with it.
        process = subprocess.Popen(
            line, shell=True, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )
        try:
            code = process.wait(time_limit)
        except subprocess.TimeoutExpired as error:
            raise CommandFailed(
                f"the command took more than {time_limit:g} seconds and was stopped; raise --time-limit, or measure on "
                f"fewer photographs (--count){_last_lines(said)}"
            ) from error
        finally:
            _stop(process)
    if code:
        how = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
        raise CommandFailed(f"the command {how}: {command}{_last_lines(said)}")
    return time.monotonic() - started


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a command that still runs, with all that it started."""
    if process.poll() is not None:
        return
    if os.name == "posix":
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _last_lines(said: Path) -> str:
    lines = said.read_text("utf-8", errors="replace").splitlines()[-LAST_LINES:]
    return "; it said:\n" + "\n".join(f"  {line}" for line in lines) if lines else "; it said nothing"


def find_outputs(made: Path, stems: Iterable[str]) -> dict[str, Path]:
    """Return the file that a command made for each stem, of those that are there; any picture's ending will do."""
    there: dict[str, Path] = {}
    for path in sorted(made.rglob("*"), reverse=True):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            there[path.stem] = path
    return {stem: there[stem] for stem in stems if stem in there}
