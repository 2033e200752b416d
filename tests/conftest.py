"""What all tests share: small pictures made here, and the folder of real photographs where there is one."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent

# Tests run side by side, on small networks: threads of torch would only wait for one another. Also in what tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("tinct", deadline=None)
hypothesis.settings.load_profile("tinct")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell has what it starts in the background ignore Ctrl-C, and commands that tests start would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real photographs (photos/, legacy.tar and others); tests that need it skip where there is none."""
    given = os.environ.get("TINCT_DATA")
    folder = Path(given) if given else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no folder of real photographs at {folder}; set TINCT_DATA to one")
    return folder


@pytest.fixture(scope="session")
def example_photo() -> Path:
    """The gray photograph that the repository ships, 512x512, as JPEG."""
    return ROOT / "examples" / "astronaut.jpg"


@pytest.fixture(scope="session")
def gray_pixels() -> NDArray[np.uint8]:
    """A gray picture with slopes and edges, (48, 64) uint8."""
    rows, columns = np.mgrid[0:48, 0:64]
    pixels = 40 + 2 * columns + rows
    pixels[12:30, 20:44] = 220
    return pixels.astype(np.uint8)


@pytest.fixture(scope="session")
def color_pixels(gray_pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A colored picture of the same shape, (48, 64, 3) uint8 sRGB."""
    return np.stack([gray_pixels, gray_pixels[::-1], 255 - gray_pixels], axis=-1)


@pytest.fixture(scope="session", autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is read from or left in the user's cache folder, by commands in processes of their own either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINCT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def make_scene(seed: int, height: int = 192, width: int = 224) -> NDArray[np.uint8]:
    """Return a colored picture, (height, width, 3): a sky, a ground, some things, grain."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[0:height, 0:width]
    scene = np.empty((height, width, 3))
    scene[:] = rng.integers(60, 230, 3)
    scene += (down / height)[..., None] * rng.integers(-60, 60, 3)
    for _ in range(6):
        y, x, radius = rng.integers(0, height), rng.integers(0, width), rng.integers(12, 50)
        scene[(down - y) ** 2 + (across - x) ** 2 < radius**2] = rng.integers(0, 256, 3)
    return np.clip(scene + rng.normal(0, 4, scene.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def scene() -> Callable[..., NDArray[np.uint8]]:
    """Returns :func:`make_scene`."""
    return make_scene


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six colored photographs, two of them named by ImageNet ids, and one that is gray."""
    folder = tmp_path_factory.mktemp("photographs")
    (folder / "imagenet").mkdir()
    names = ["a.png", "b.png", "c.png", "d.png", "imagenet/n01443537_goldfish.png", "imagenet/n02123045_cat.png"]
    for seed, name in enumerate(names):
        Image.fromarray(make_scene(seed, 64 + 8 * seed, 80)).save(folder / name)
    Image.fromarray(make_scene(9, 64, 64)).convert("L").save(folder / "gray.png")
    return folder


@pytest.fixture(autouse=True)
def no_training_left_behind() -> Iterator[None]:
    """Accelerate keeps the precision of a process's first training; the next test may train with another."""
    yield
    if "accelerate.state" in sys.modules:
        sys.modules["accelerate.state"].AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="session")
def peak_memory() -> str:
    """Python source of ``peak_memory()``: this process's own peak in MiB, 0 where the system doesn't tell.

    The usual ``ru_maxrss`` of a new process begins at the peak of the one that started it, here of all tests before.
    """
    return """
def peak_memory():
    from pathlib import Path
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)
"""


def find_postgresql() -> Path | None:
    """Return the folder with PostgreSQL's programs."""
    candidates = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in candidates if (folder / "postgres").exists()), None)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Address of a PostgreSQL server on loopback, started for these tests; a database's name goes at its end."""
    programs = find_postgresql()
    if programs is None:
        pytest.skip("PostgreSQL's programs (initdb, postgres) are not installed")
    command: list[str] = []
    # Not below pytest's own folder, which another user, as the server may be, can't enter.
    folder = Path(tempfile.mkdtemp(prefix="tinct-postgresql-"))
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # it refuses to run as root
        import pwd

        users = [user for user in ("postgres", "nobody") if user in {entry.pw_name for entry in pwd.getpwall()}]
        if not users or shutil.which("setpriv") is None:
            shutil.rmtree(folder)
            pytest.skip("PostgreSQL doesn't run as root, and there is no other user to run it as")
        command = ["setpriv", f"--reuid={users[0]}", f"--regid={pwd.getpwnam(users[0]).pw_gid}", "--clear-groups"]
        shutil.chown(folder, users[0])
    data = folder / "data"
    made = subprocess.run(
        [
            *command,
            programs / "initdb",
            "-D",
            data,
            "-U",
            "tinct",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "max_connections": "60"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, programs / "postgres", "-D", data, "-p", str(port), *options], cwd=folder, stdout=log, stderr=log
        )
    address = f"postgresql+psycopg://tinct@127.0.0.1:{port}/"
    try:
        _wait(address + "postgres", server, folder / "log")
        yield address
    finally:
        server.send_signal(signal.SIGINT)  # without waiting for clients
        server.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import OperationalError

    engine = create_engine(address)
    for _ in range(300):
        assert server.poll() is None, log.read_text(errors="replace")
        try:
            with engine.connect():
                break
        except OperationalError:
            time.sleep(0.1)
    engine.dispose()


@pytest.fixture
def make_postgresql(postgresql: str) -> Callable[[str], str]:
    """Returns a function that makes an empty PostgreSQL database and gives its address."""
    from sqlalchemy import create_engine, text

    def make(name: str) -> str:
        engine = create_engine(postgresql + "postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        engine.dispose()
        return postgresql + name

    return make


@dataclass(frozen=True)
class Chain:
    """Files of a certificate with those above it, of its key, and of the root alone, PEM."""

    certificate: Path
    key: Path
    root: Path


def write_chain(
    folder: Path, *, kind: str = "p256", days: int = 30, signing: bool = True, password: bytes | None = None
) -> Chain:
    """Make a root and a certificate below it for signing pictures (without ``signing``, for a web server)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    makers: dict[str, Callable[[], Any]] = {
        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    above, key = makers["p256"](), makers[kind]()
    now = dt.datetime.now(dt.UTC)

    def certificate(name: str, public: Any, *extensions: tuple[Any, bool]) -> Any:
        def named(common: str) -> Any:
            parts = ((NameOID.ORGANIZATION_NAME, "City Archive"), (NameOID.COMMON_NAME, common))
            return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])

        builder = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named("Root"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=10))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()), False)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(above, hashes.SHA256())

    def usage(*, of_root: bool) -> Any:
        # The six others: content commitment, three kinds of encipherment and agreement, two more for these.
        return x509.KeyUsage(not of_root, False, False, False, False, of_root, of_root, False, False)

    purpose = ExtendedKeyUsageOID.EMAIL_PROTECTION if signing else ExtendedKeyUsageOID.SERVER_AUTH
    of_root = ((x509.BasicConstraints(True, None), True), (usage(of_root=True), True))
    root = certificate("Root", above.public_key(), *of_root)
    own = certificate(
        "Scanning desk",
        key.public_key(),
        (x509.BasicConstraints(False, None), True),
        (usage(of_root=False), True),
        (x509.ExtendedKeyUsage([purpose]), False),
    )
    pem = serialization.Encoding.PEM
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    folder.mkdir(exist_ok=True)
    made = Chain(folder / "certificate.pem", folder / "key.pem", folder / "root.pem")
    made.certificate.write_bytes(own.public_bytes(pem) + root.public_bytes(pem))
    made.key.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, lock))
    made.root.write_bytes(root.public_bytes(pem))
    return made


@pytest.fixture(scope="session")
def make_chain() -> Callable[..., Chain]:
    """Returns :func:`write_chain`."""
    return write_chain
