"""Run one of the project's tasks in a virtual environment that sets itself up.

``python scripts/dev.py demo|test|test-slow|lint|format|serve|start|bench|picture|reports [ARGUMENT...]``.
The environment is ``.venv`` in the root; it is reused as long as neither ``pyproject.toml`` nor ``constraints.txt`` has
changed. Needs Python 3.11 or newer, nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import urllib.request
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
SCRIPTS = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
PAGE = "http://127.0.0.1:8000/"
"""Where the web app is unless it is asked for elsewhere."""
STAMP = ENVIRONMENT / "tinct-stamp"
MOST_WORKERS = 4
"""Processes that the tests run in, at most."""
LONGEST_LOOP = 3600
"""Seconds that one of the slow tests may take."""


def fingerprint() -> str:
    """Return what the environment depends on, as one line: this Python, this folder and the requirements."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return f"{sys.version_info.major}.{sys.version_info.minor} {ROOT} {digest.hexdigest()}"


def set_up(extra: str = "") -> None:
    """Make ``.venv`` hold the package in editable form, with ``[extra]`` where ``extra`` asks for it."""
    wanted = fingerprint()
    held = STAMP.read_text(encoding="utf-8").splitlines() if STAMP.is_file() else []
    if held[:1] == [wanted] and extra in held[1:]:
        return
    print(f"Setting up {ENVIRONMENT} (once; with a slow connection this takes some minutes)", flush=True)
    STAMP.unlink(missing_ok=True)
    if held[:1] != [wanted]:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        made = subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=False)
        if made.returncode:
            sys.exit("Python can't make virtual environments here; on Debian and Ubuntu: apt-get install python3-venv")
    target = f"{ROOT}[{extra}]" if extra else str(ROOT)
    # Compiled are the modules that are imported, when they are, and not all of them now.
    install = [str(PYTHON), "-m", "pip", "install", "-qq", "--no-compile"]
    install += ["--constraint", str(ROOT / "constraints.txt")]
    if subprocess.run([*install, "--editable", target], check=False).returncode:
        sys.exit("Installing the requirements failed; see the message above")
    there = set(held[1:]) if held[:1] == [wanted] else set()
    STAMP.write_text("\n".join([wanted, *sorted({*there, "", extra})]), encoding="utf-8")


def run(*command: str | Path) -> None:
    """Run a command in the root; its failure ends this script with the same exit code."""
    code = subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode
    if code:
        sys.exit(code)


def demo(arguments: list[str]) -> None:
    """Colorize the photograph of the examples and say where the result is."""
    set_up()
    result = ROOT / "out" / "astronaut.color.jpg"
    result.parent.mkdir(exist_ok=True)
    photo = ROOT / "examples" / "astronaut.jpg"
    run(PYTHON, "-m", "tinct", "colorize", photo, "-o", result, "--overwrite", "--quiet", *arguments)
    print(f"The colorized photograph is {result}")


def test(arguments: list[str]) -> None:
    """Run the test suite but for its long loops."""
    run_tests("not slow", arguments)


def test_slow(arguments: list[str]) -> None:
    """Run the long loops of the test suite: many kills, many jobs."""
    run_tests("slow", [f"--timeout={LONGEST_LOOP}", *arguments])


def run_tests(which: str, arguments: list[str]) -> None:
    """Run the tests with the marks ``which``."""
    set_up("dev")
    # Many tests wait for servers and browsers, so that one worker more than there are cores finds time.
    workers = min(MOST_WORKERS, (os.cpu_count() or 1) + 1)
    run(PYTHON, "-m", "pytest", f"--numprocesses={workers}", "--dist=worksteal", "-m", which, *arguments)


def lint(arguments: list[str]) -> None:
    """Check style, types and who imports whom; all of it, then fail if any of it failed."""
    set_up("dev")
    style = [str(PYTHON), "-m", "ruff"]
    checks = [
        [*style, "check"],
        [*style, "format", "--check"],
        [str(PYTHON), "-m", "mypy"],
        [str(SCRIPTS / "lint-imports")],
    ]
    failed = [check for check in checks if subprocess.run([*check, *arguments], cwd=ROOT, check=False).returncode]
    if failed:
        sys.exit("Failed: " + ", ".join(" ".join([Path(check[0]).name, *check[1:]]) for check in failed))


def format_(arguments: list[str]) -> None:
    """Put the source into its format."""
    set_up("dev")
    run(PYTHON, "-m", "ruff", "check", "--fix", *arguments)
    run(PYTHON, "-m", "ruff", "format", *arguments)


def serve(arguments: list[str]) -> None:
    """Start the web app."""
    set_up("web")
    run(PYTHON, "-m", "tinct", "serve", *arguments)


def start(arguments: list[str]) -> None:
    """Open the page of the web app, for those who double-click; start it where it isn't running yet."""
    if answers(PAGE):
        print(f"Tinct is running already: {PAGE}")
        webbrowser.open(PAGE)
        return
    serve(["--open", *arguments])


def answers(page: str) -> bool:
    """Whether a server of Tinct is at an address of this machine."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{page}api/v1/health", timeout=2) as answer:
            return bool(json.load(answer)["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def bench(arguments: list[str]) -> None:
    """Run the benchmarks one after the other; arguments choose some by name."""
    set_up("dev")
    for script in sorted((ROOT / "benchmarks").glob("bench_*.py")):
        if not arguments or script.stem.removeprefix("bench_") in arguments:
            print(f"== {script.name}", flush=True)
            run(PYTHON, script)


def picture(arguments: list[str]) -> None:
    """Make the before/after picture of the README anew."""
    set_up()
    run(PYTHON, ROOT / "scripts" / "before_after.py", *arguments)


def reports(arguments: list[str]) -> None:
    """Write a report of every shipped model into docs/reports; the arguments name the photographs."""
    set_up("dev")
    run(PYTHON, ROOT / "scripts" / "reports.py", *arguments)


TASKS = {
    "demo": demo,
    "test": test,
    "test-slow": test_slow,
    "lint": lint,
    "format": format_,
    "serve": serve,
    "start": start,
    "bench": bench,
    "picture": picture,
    "reports": reports,
}

if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs this may have an older one
        sys.exit(f"Tinct needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    if len(sys.argv) < 2 or sys.argv[1] not in TASKS:
        sys.exit(f"usage: {Path(sys.argv[0]).name} {'|'.join(TASKS)} [ARGUMENT...]")
    TASKS[sys.argv[1]](sys.argv[2:])
