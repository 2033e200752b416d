"""Downloads from a server on this computer that cuts, forgets, corrupts and refuses."""

from __future__ import annotations

import errno
import hashlib
import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tinct.cli.app import main
from tinct.data import fetch as module
from tinct.data.fetch import ATTEMPTS, CIFAR10, PLACES365, Remote, fetch, files_of
from tinct.data.inventory import take_inventory
from tinct.data.split import divide
from tinct.errors import DataError, OptionError

CONTENT = np.random.default_rng(0).integers(0, 256, 900_000).astype(np.uint8).tobytes()
NAME = "data.tar"


@dataclass
class Site:
    """What the server does, and what it was asked."""

    content: bytes = CONTENT
    others: dict[str, bytes] = field(default_factory=dict)
    """Files beside it, by name."""
    etag: str | None = '"one"'
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    """Bytes after which the next answers end early; -1 for a whole one."""
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Status and headers of the next answers, before any that holds content."""
    length: bool = True
    asked: list[str | None] = field(default_factory=list)
    """The range of each request."""
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    site: Site

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        site = self.site
        content = site.others.get(self.path.rpartition("/")[2], site.content)
        wanted = self.headers.get("Range")
        site.asked.append(wanted)
        if site.refusals:
            status, headers = site.refusals.pop(0)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if self.headers.get("If-Range", site.etag) != site.etag or not site.ranges:
            start = 0
        if start and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        body = content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if site.etag:
            self.send_header("ETag", site.etag)
        if site.length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = site.cuts.pop(0) if site.cuts else -1
        self.wfile.write(body if cut < 0 else body[:cut])


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    handler = type("Bound", (Handler,), {"site": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/files/"
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


Get = Callable[..., Path]


@pytest.fixture
def get(site: Site, tmp_path: Path) -> Get:
    """Returns a function that fetches the file and never waits."""

    def run(digest: str | None = None, **options: Any) -> Path:
        remote = Remote(NAME, site.url, "sha256", digest or hashlib.sha256(CONTENT).hexdigest())
        return fetch([remote], tmp_path / "to", pause=lambda seconds: None, **options)[0]

    return run


def left(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "to").iterdir()}


def test_a_file_comes_whole_and_once(get: Get, site: Site, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    path = get(progress=lambda *said: told.append(said))
    assert path.read_bytes() == CONTENT
    assert told[-1] == (NAME, len(CONTENT), len(CONTENT))
    assert left(tmp_path) == {NAME}
    assert get() == path
    assert site.asked == [None]


def test_cuts_are_gone_on_from(get: Get, site: Site, tmp_path: Path) -> None:
    site.cuts = [300_000, 1, 400_000]
    assert get().read_bytes() == CONTENT
    assert site.asked == [None, "bytes=300000-", "bytes=300001-", "bytes=700001-"]
    assert left(tmp_path) == {NAME}


def test_a_later_call_goes_on(get: Get, site: Site, tmp_path: Path) -> None:
    site.cuts = [500_000]
    site.refusals = []

    class Stop(Exception):
        pass

    def stop(name: str, done: int, total: int | None) -> None:
        if done >= 400_000:
            raise Stop

    with pytest.raises(Stop):
        get(progress=stop)
    assert NAME not in left(tmp_path)
    have = (tmp_path / "to" / f"{NAME}.part").stat().st_size
    assert 0 < have < len(CONTENT)
    assert get().read_bytes() == CONTENT
    assert site.asked[1] == f"bytes={have}-"


def test_a_server_without_ranges_begins_anew(get: Get, site: Site) -> None:
    site.ranges = False
    site.cuts = [300_000, 600_000]
    assert get().read_bytes() == CONTENT


def test_a_file_that_has_changed_begins_anew(get: Get, site: Site, tmp_path: Path) -> None:
    site.content, site.etag, site.cuts = CONTENT[::-1], '"old"', [200_000] + [0] * ATTEMPTS
    with pytest.raises(DataError, match="in a row"):
        get()
    assert (tmp_path / "to" / f"{NAME}.part").stat().st_size == 200_000
    site.content, site.etag, site.cuts = CONTENT, '"new"', []
    assert get().read_bytes() == CONTENT


def test_without_a_version_the_checksum_decides(get: Get, site: Site, tmp_path: Path) -> None:
    site.etag = None
    site.cuts = [300_000]
    assert get().read_bytes() == CONTENT
    assert site.asked[1] == "bytes=300000-"


def test_a_part_of_another_address_is_not_gone_on_with(get: Get, site: Site, tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / f"{NAME}.part").write_bytes(b"x" * 1000)
    assert get().read_bytes() == CONTENT
    assert site.asked == [None]


def test_a_whole_part_is_taken(get: Get, site: Site, tmp_path: Path) -> None:
    site.length = False
    site.cuts = [300_000]
    # Nothing tells that the content is cut, so the checksum does.
    with pytest.raises(DataError, match="wrong sha256"):
        get()
    site.length = True
    folder = tmp_path / "to"
    get()
    (folder / NAME).rename(folder / f"{NAME}.part")
    (folder / f"{NAME}.part.json").write_text(f'{{"url": "{site.url}{NAME}", "validator": "\\"one\\""}}')
    assert get().read_bytes() == CONTENT
    assert site.asked[-1] == f"bytes={len(CONTENT)}-"


def test_a_wrong_checksum_is_kept_aside_and_said(get: Get, site: Site, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"wrong sha256, expected 0000.*data\.tar\.wrong"):
        get(digest="0" * 64)
    assert left(tmp_path) == {f"{NAME}.wrong"}
    assert (tmp_path / "to" / f"{NAME}.wrong").read_bytes() == CONTENT
    assert get().read_bytes() == CONTENT


def test_a_wrong_file_under_the_name_is_put_aside(get: Get, site: Site, tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / NAME).write_bytes(b"something else")
    assert get().read_bytes() == CONTENT
    assert (tmp_path / "to" / f"{NAME}.wrong").read_bytes() == b"something else"


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_is_not_there_is_not_asked_for_again(get: Get, site: Site, tmp_path: Path, status: int) -> None:
    site.refusals = [(status, {})]
    with pytest.raises(DataError, match=rf"says {status} .*--url"):
        get()
    assert len(site.asked) == 1
    assert left(tmp_path) == set()


def test_a_server_in_trouble_is_asked_again_but_not_for_ever(site: Site, tmp_path: Path) -> None:
    waited: list[float] = []
    remote = Remote(NAME, site.url, "sha256", hashlib.sha256(CONTENT).hexdigest())
    site.refusals = [(500, {}), (503, {"Retry-After": "7"}), (429, {"Retry-After": "9999"})]
    fetch([remote], tmp_path / "to", pause=waited.append)
    assert waited == [2.0, 7.0, 60.0]
    site.refusals = [(500, {})] * 100
    with pytest.raises(DataError, match=rf"failed {ATTEMPTS} times in a row \(500 Internal Server Error\)"):
        fetch([remote], tmp_path / "other", pause=waited.append)
    assert len(site.asked) == 4 + ATTEMPTS


def test_a_server_that_always_cuts_at_the_same_place_is_given_up(get: Get, site: Site, tmp_path: Path) -> None:
    site.ranges = False
    site.cuts = [300_000] * 100
    with pytest.raises(DataError, match=r"will go on from the 0\.3 MB"):
        get()
    assert len(site.asked) == ATTEMPTS + 1


def test_no_server_at_all(tmp_path: Path) -> None:
    remote = Remote(NAME, "http://127.0.0.1:9/", "sha256", "0")
    with pytest.raises(DataError, match="refused"):
        fetch([remote], tmp_path, pause=lambda seconds: None)


def test_too_little_room_is_told_before(get: Get, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    with pytest.raises(DataError, match=r"needs 0\.00 GB more.*--to"):
        get()
    assert NAME not in left(tmp_path)


def test_a_disk_that_fills_up_is_told_and_what_came_is_kept(
    get: Get, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = Path.open

    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            if self.tell() + len(data) > 500_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data) or 0

    def opened(self: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
        return Full(self, "a") if mode == "ab" else plain(self, mode, *rest, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opened)
        with pytest.raises(DataError, match=r"the disk is full.*is kept"):
            get()
    assert len(site.asked) == 1
    assert left(tmp_path) == {f"{NAME}.part", f"{NAME}.part.json"}
    assert get().read_bytes() == CONTENT
    assert str(site.asked[1]).startswith("bytes=")


def test_a_mirror_takes_the_place_of_the_published_address(site: Site, tmp_path: Path) -> None:
    remote = Remote(NAME, "http://127.0.0.1:9/", "md5", hashlib.md5(CONTENT).hexdigest())
    for number, mirror in enumerate((site.url, site.url.rstrip("/"), site.url + NAME)):
        assert fetch([remote], tmp_path / str(number), mirror=mirror)[0].read_bytes() == CONTENT
    for bad in ("file:///etc/", "ftp://x/", "nonsense"):
        with pytest.raises(OptionError, match="no web address"):
            fetch([remote], tmp_path, mirror=bad)


def test_the_published_files() -> None:
    assert [remote.name for remote in files_of("cifar10", None)] == ["cifar-10-python.tar.gz"]
    assert [remote.name for remote in files_of("places365", "val")] == [
        "filelist_places365-standard.tar",
        "val_256.tar",
    ]
    for remote in (*CIFAR10, *(remote for files in PLACES365.values() for remote in files)):
        assert len(remote.digest) == {"md5": 32, "sha256": 64}[remote.algorithm]
        assert remote.base.endswith("/")
    for name, part in (("cifar", None), ("cifar10", "val"), ("places365", None), ("places365", "challenge")):
        with pytest.raises(OptionError):
            files_of(name, part)


def test_places_comes_from_the_server_into_training(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command, with archives in small whose checksums take the place of the published ones."""

    def tar(members: dict[str, bytes]) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as made:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                made.addfile(member, io.BytesIO(content))
        return buffer.getvalue()

    picture = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)).save(picture, "JPEG")
    site.others = {
        "val_256.tar": tar({f"val_256/Places365_val_0000000{n}.jpg": picture.getvalue() for n in range(3)}),
        "filelist_places365-standard.tar": tar(
            {
                "categories_places365.txt": b"/a/airfield 0\n",
                "places365_val.txt": b"".join(b"Places365_val_0000000%d.jpg 0\n" % n for n in range(3)),
            }
        ),
    }
    small = tuple(
        Remote(remote.name, remote.base, "md5", hashlib.md5(site.others[remote.name]).hexdigest())
        for remote in PLACES365["val"]
    )
    monkeypatch.setitem(PLACES365, "val", small)
    site.cuts = [700]
    with pytest.raises(SystemExit) as done:
        main(["data", "fetch", "places365", "--part", "val", "--to", str(tmp_path / "places"), "--url", site.url])
    assert not done.value.code
    assert "val_256.tar is there" in capsys.readouterr().err.replace("\n", "")
    assert [source.label for source in take_inventory(tmp_path / "places").of("val")] == ["airfield"] * 3
    assert len(divide(tmp_path / "places", 0.3).train) == 2
