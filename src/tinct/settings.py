"""What the environment may set: variables named ``TINCT_...``.

The command takes lines of a file ``.env`` in the working folder for such variables. The library doesn't look at it, and
reads no variable but those that it needs.

Plain dataclasses on purpose: pydantic-settings takes a quarter of a second to import, a third of what a whole
photograph takes.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from tinct.errors import ConfigError

PREFIX = "TINCT_"
DEVICES = ("auto", "cpu", "cuda")
Folder = Literal["weights", "data"]
"""``TINCT_WEIGHTS``: a folder of further models. ``TINCT_DATA``: a folder of data sets; the ordinary photographs in its
``photos`` are replayed where a model is adapted."""
THIS_MACHINE = ("127.0.0.0/8", "::1")
CHECKSUM = "sha256="
"""Begins what follows the ``#`` of an address whose file has a checksum of its own."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults that the environment may change; an option on the command line goes before them."""

    model: str = "default"
    """``TINCT_MODEL``: name or file of the model."""
    device: str = "auto"
    """``TINCT_DEVICE``: auto, cpu or cuda."""
    jobs: int | None = None
    """``TINCT_JOBS``: photographs worked on at once; None chooses by the processor."""
    max_pixels: int = 2_000_000_000
    """``TINCT_MAX_PIXELS``: a photograph with more pixels is refused."""
    sign_cert: Path | None = None
    """``TINCT_SIGN_CERT``: certificates that results are signed with, PEM."""
    sign_key: Path | None = None
    """``TINCT_SIGN_KEY``: the private key of the first of them, PEM."""
    cache: Path | None = None
    """``TINCT_CACHE``: a folder for what can be made again, in place of the user's cache folder."""

    def cache_folder(self) -> Path:
        """Return the folder for what can be made again; it may not be there yet."""
        if self.cache is not None:
            return self.cache
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "tinct"
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "tinct" / "cache"
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tinct"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What ``tinct serve`` and ``tinct worker`` take from the environment beside :class:`Settings`."""

    data: Path
    """``TINCT_DATA_DIR``: folder of the database, the queue and all files, unless they are elsewhere."""
    database_url: str
    """``TINCT_DATABASE_URL``: ``sqlite:///FILE`` or ``postgresql+psycopg://USER:PASSWORD@HOST/NAME``."""
    queue_url: str | None = None
    """``TINCT_QUEUE_URL``: ``redis://HOST:PORT/NUMBER``; not given, a file in the data folder."""
    store_url: str | None = None
    """``TINCT_STORE_URL``: ``s3://BUCKET/FOLDER`` or ``gs://...`` for pictures, results and models; not given, the data
    folder."""
    token: str | None = None
    """``TINCT_TOKEN``: lets a client in; at least 16 characters."""
    hosts: tuple[str, ...] = ()
    """``TINCT_HOSTS``: names, separated by commas, by which browsers may call the server beside its address."""
    proxies: tuple[str, ...] = THIS_MACHINE
    """``TINCT_PROXIES``: addresses or networks, separated by commas, of proxies whose ``X-Forwarded-For`` says who
    asks."""
    datasets: Path | None = None
    """``TINCT_DATASETS``: a folder of data sets that may be trained on by name."""
    cifar10: str | None = None
    """``TINCT_CIFAR10``: address of CIFAR-10's archive in place of the published one; ``#sha256=...`` at its end says
    another checksum."""
    upload_bytes: int = 200 * 2**20
    """``TINCT_UPLOAD_BYTES``: most bytes of a request."""
    upload_pixels: int = 250_000_000
    """``TINCT_UPLOAD_PIXELS``: most pixels of a photograph."""
    upload_files: int = 100
    """``TINCT_UPLOAD_FILES``: most files of a request, and pictures in a ZIP of photographs."""
    upload_seconds: int = 300
    """``TINCT_UPLOAD_SECONDS``: longest that a request may take to arrive."""
    requests: int = 1200
    """``TINCT_REQUESTS``: requests a minute of one client."""
    keep_days: int | None = None
    """``TINCT_KEEP_DAYS``: pictures that nothing was done with for so long, and results of that age, are deleted; None
    keeps them."""
    queued: int = 5000
    """``TINCT_QUEUED``: jobs of one user that may wait."""
    work_seconds: int = 600
    """``TINCT_WORK_SECONDS``: longest that one photograph may take."""
    work_bytes: int = 6 * 2**30
    """``TINCT_WORK_BYTES``: address space of the process that decodes photographs."""
    lease_seconds: int = 15
    """``TINCT_LEASE_SECONDS``: a worker that says nothing for so long is taken for dead."""


def load_server_settings(data: Path | None = None, environment: Mapping[str, str] | None = None) -> ServerSettings:
    """Read the settings of a server; see :func:`load_settings`.

    Args:
        data: goes before ``TINCT_DATA_DIR``.
        environment: the variables; those of the process by default.

    Raises:
        ConfigError: values out of range; all of them at once.
    """
    given = _given(environment)
    faults: list[str] = []
    folder = (data or Path(given["data_dir"]) if data or "data_dir" in given else _data_folder()).absolute()
    counts = {
        field.name: value
        for field in fields(ServerSettings)
        if field.type == "int" and (value := _count(field.name, given, faults)) is not None
    }
    queue_url = given.get("queue_url")
    if queue_url is not None and not queue_url.startswith(("redis://", "rediss://")):
        faults.append(f"{PREFIX}QUEUE_URL is {queue_url!r}; give redis://HOST:PORT/NUMBER, or nothing")
    cifar10 = given.get("cifar10")
    if cifar10 is not None and re.fullmatch(rf"https?://[^#]+(#{CHECKSUM}[0-9a-f]{{64}})?", cifar10) is None:
        faults.append(
            f"{PREFIX}CIFAR10 is {cifar10!r}; give https://HOST/FOLDER/ with perhaps #{CHECKSUM}... at its end"
        )
    store_url = given.get("store_url")
    if store_url is not None and not store_url.startswith(("s3://", "gs://")):
        faults.append(f"{PREFIX}STORE_URL is {store_url!r}; give s3://BUCKET/FOLDER or gs://BUCKET/FOLDER, or nothing")
    proxies = _names(given.get("proxies")) or THIS_MACHINE
    faults += [f"{PREFIX}PROXIES has {name!r}; give addresses or networks" for name in proxies if not _is_network(name)]
    keep_days = _count("keep_days", given, faults)
    if faults:
        raise ConfigError("environment", faults)
    return ServerSettings(
        data=folder,
        database_url=given.get("database_url") or f"sqlite:///{folder / 'tinct.sqlite'}",
        queue_url=queue_url,
        store_url=store_url,
        token=given.get("token"),
        hosts=_names(given.get("hosts")),
        proxies=proxies,
        datasets=Path(given["datasets"]).absolute() if "datasets" in given else None,
        cifar10=cifar10,
        keep_days=keep_days,
        **counts,
    )


def _data_folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "tinct"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "tinct" / "data"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "tinct"


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; an empty variable counts as unset.

    Args:
        environment: the variables; those of the process by default.

    Raises:
        ConfigError: values out of range; all of them at once.

    >>> load_settings({"TINCT_JOBS": "3"}).jobs
    3
    """
    given = _given(environment)
    faults: list[str] = []
    defaults = Settings()
    device = given.get("device", defaults.device)
    if device not in DEVICES:
        faults.append(f"{PREFIX}DEVICE is {device!r}; choose one of {', '.join(DEVICES)}")
    settings = Settings(
        model=given.get("model", defaults.model),
        device=device,
        jobs=_count("jobs", given, faults),
        max_pixels=_count("max_pixels", given, faults) or defaults.max_pixels,
        sign_cert=Path(given["sign_cert"]) if "sign_cert" in given else None,
        sign_key=Path(given["sign_key"]) if "sign_key" in given else None,
        cache=Path(given["cache"]) if "cache" in given else None,
    )
    if faults:
        raise ConfigError("environment", faults)
    return settings


def load_folder(name: Folder) -> Path | None:
    """Read the one variable that names a folder which the library may need; None where it is unset or empty."""
    text = os.environ.get(f"{PREFIX}{name.upper()}")
    return Path(text) if text else None


def add_file(file: Path = Path(".env"), environment: MutableMapping[str, str] = os.environ) -> None:
    """Add variables of a file to the environment, and so to that of child processes; those that are there stay.

    Args:
        file: lines ``NAME=value``, ``#`` for comments; may be missing. Names that aren't Tinct's don't count.
        environment: the variables to add to; those of the process by default.

    Raises:
        ConfigError: the file can't be read.
    """
    try:
        if not file.is_file():
            return
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        fault = f"can't be read ({error.strerror or error}); allow it, or work in another folder"
        raise ConfigError(str(file), [fault]) from error
    found: dict[str, str] = {}
    for line in lines:
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if separator and name.startswith(PREFIX):
            found[name.strip()] = value.strip().strip("\"'")
    environment.update({name: value for name, value in found.items() if name not in environment})


def _given(environment: Mapping[str, str] | None) -> dict[str, str]:
    values = os.environ if environment is None else environment
    return {name[len(PREFIX) :].lower(): value for name, value in values.items() if name.startswith(PREFIX) and value}


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in (text or "").split(",") if name.strip())


def _is_network(name: str) -> bool:
    from ipaddress import ip_network  # servers alone need it

    try:
        ip_network(name)
    except ValueError:
        return False
    return True


def _count(name: str, given: Mapping[str, str], faults: list[str]) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        faults.append(f"{PREFIX}{name.upper()} is {text!r}; give a whole number from 1 up")
        return None
    return number
