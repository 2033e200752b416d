"""The steps of the Dockerfile, run in a clean environment where no Docker is; in short, all but the installing."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the image is one of Linux")

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("/src", "/tinct", "/data")
"""Places in the image; the tests have them in a folder of their own."""
UID = 10001
ANOTHER = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
TOKEN = "a-token-of-twenty-letters"


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, each with what follows."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text("utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def said(name: str) -> list[str]:
    return [rest for word, rest in instructions() if word == name]


@dataclass
class Image:
    """A folder that stands for the image, and what a builder knows while it follows the steps."""

    root: Path
    folder: str = "/"
    variables: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        return self.root / name.lstrip("/")

    def moved(self, text: str) -> str:
        """Return a command with the image's places where they are here."""
        for place in FOLDERS:
            text = re.sub(rf"(?<![\w.]){re.escape(place)}(?=[/\s:]|$)", str(self.path(place)), text)
        return text

    def environment(self) -> dict[str, str]:
        # Of this machine, only where Python and pip find things.
        own = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or "CERT" in name}
        path = f"{self.path('stand-ins')}:/usr/local/bin:/usr/bin:/bin"
        given = {name: self.moved(value) for name, value in self.variables.items()}
        return {"PATH": path, "HOME": str(self.path("/data")), **self.arguments, **own, **given}

    def run(self, command: list[str] | str) -> subprocess.CompletedProcess[str]:
        shell = ["/bin/sh", "-c", self.moved(command)] if isinstance(command, str) else list(map(self.moved, command))
        return subprocess.run(
            shell, cwd=self.path(self.folder), env=self.environment(), text=True, capture_output=True, check=False
        )

    def build(self) -> None:
        for word, rest in instructions():
            if word == "WORKDIR":
                self.folder = rest
                self.path(rest).mkdir(parents=True, exist_ok=True)
            elif word == "ARG":
                name, _, value = rest.partition("=")
                self.arguments.setdefault(name, value)
            elif word == "ENV":
                self.variables |= dict(entry.split("=", 1) for entry in shlex.split(rest))
            elif word == "COPY":
                *sources, target = rest.split()
                for source in sources:
                    self.copy(ROOT / source, self.path(self.folder) / (target if target != "./" else source))
            elif word == "RUN":
                done = self.run(rest)
                assert done.returncode == 0, (rest, done.stdout, done.stderr)

    @staticmethod
    def copy(source: Path, target: Path) -> None:
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(source, target)


@pytest.fixture
def image() -> Iterator[Image]:
    # Not below pytest's own folder, which the image's user can't enter.
    root = Path(tempfile.mkdtemp(prefix="tinct-image-"))
    root.chmod(0o755)
    made = Image(root, arguments={"EXTRAS": "web", "PIP_EXTRA_INDEX_URL": ""})
    stand_ins = made.path("stand-ins")
    stand_ins.mkdir()
    (stand_ins / "python").symlink_to(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")
    # Users of this machine are left alone.
    useradd = stand_ins / "useradd"
    useradd.write_text('#!/bin/sh\necho "$@" > "$0.called"\n')
    useradd.chmod(0o755)
    yield made
    shutil.rmtree(root, ignore_errors=True)


def serve(image: Image, command: list[str], port: int) -> subprocess.Popen[str]:
    """Start what the image starts, as its user where that is possible."""
    words = [image.moved(word) for word in (*command, "--port", str(port))]
    data = image.path("/data")
    if may_be_another(image):
        shutil.chown(data, UID, UID)
        words = [*ANOTHER, *words]
    environment = {**image.environment(), "TINCT_TOKEN": TOKEN}
    # The tests of this machine may use another port than the image's own.
    return subprocess.Popen(words, cwd=data, env=environment, stderr=subprocess.PIPE, text=True)


def may_be_another(image: Image) -> bool:
    """Whether the image's user can be had here, and run the image's Python, which may lie in root's own folder."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return False
    python = str(image.path("/tinct/bin/python"))
    again = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import tinct'], check=True)"
    return subprocess.run([*ANOTHER, python, "-c", again], cwd="/", check=False, capture_output=True).returncode == 0


def healthy(image: Image, port: int, seconds: float) -> bool:
    """Ask as the image's health check does, until it says yes."""
    check = re.search(r"CMD (\[.*\])", said("HEALTHCHECK")[0])
    assert check
    words = [word.replace(":8000/", f":{port}/") for word in json.loads(check[1])]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if image.run(words).returncode == 0:
            return True
        time.sleep(0.3)
    return False


def entry() -> list[str]:
    return [*json.loads(said("ENTRYPOINT")[0]), *json.loads(said("CMD")[0])]


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def try_out(image: Image) -> None:
    """Start the server, be healthy, color a photograph, stop."""
    port = free_port()
    assert not healthy(image, port, 0.5)
    process = serve(image, entry(), port)
    try:
        assert healthy(image, port, 180)
        address = f"http://127.0.0.1:{port}/api/v1/models"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(address, timeout=30)
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.load(answer)["default"]
        if may_be_another(image):
            assert {path.stat().st_uid for path in image.path("/data").rglob("*.sqlite")} == {UID}
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=15)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def test_the_image_is_one_for_strangers() -> None:
    words = [word for word, _ in instructions()]
    assert words[0] == "FROM"
    assert "latest" not in said("FROM")[0]
    (user,) = said("USER")
    assert user != "root"
    assert words.index("USER") > max(index for index, word in enumerate(words) if word in ("RUN", "COPY"))
    assert "/api/v1/health" in said("HEALTHCHECK")[0]
    assert not [rest for rest in said("ENV") + said("ARG") if "TOKEN" in rest]


def test_the_builder_gets_what_is_copied_and_nothing_else() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and line[0] != "#"]
    kept = {rule[1:] for rule in rules if rule.startswith("!")}
    assert rules[0] == "*"
    copied = {source for rest in said("COPY") for source in rest.split()[:-1]}
    assert copied == kept
    assert all((ROOT / name).exists() for name in copied)
    # What the package is built from is all there.
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    named = re.findall(r'^(?:readme|license-files) = .*?"([^"]+)"', project, re.MULTILINE)
    assert all(any(fnmatch.fnmatch(name, rule) for rule in kept) for name in named)


def test_what_the_image_starts_is_healthy(image: Image) -> None:
    """The short form: the steps without installing, with what is installed here in its place."""
    image.path("/data").mkdir()
    image.path("/tinct").mkdir()
    (image.path("/tinct") / "bin").symlink_to(Path(sys.executable).parent)
    image.variables = dict(entry.split("=", 1) for rest in said("ENV") for entry in shlex.split(rest))
    image.folder = "/data"
    try_out(image)


@pytest.mark.slow
def test_the_steps_make_an_image_that_works(image: Image) -> None:
    image.build()
    called = (image.path("stand-ins") / "useradd.called").read_text()
    assert f"--uid {UID}" in called
    assert called.split()[-1] == said("USER")[0]
    python = image.run(["/tinct/bin/python", "-c", "import tinct; print(tinct.__file__)"])
    assert str(image.path("/tinct")) in python.stdout  # nothing of this checkout
    shutil.rmtree(image.path("/src"))
    try_out(image)
