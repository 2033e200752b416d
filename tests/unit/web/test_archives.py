"""ZIP files whose entries are damaged, each compressed in its own way."""

from __future__ import annotations

import errno
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tinct.errors import DataError
from tinct.web.archives import list_pictures, unpack

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


def make_zip(folder: Path, method: int) -> Path:
    path = folder / "photos.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name in ("first.png", "second.png"):
            archive.writestr(name, bytes(number * number % 251 for number in range(5000)))
    return path


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("start", [0, 9, 40])
def test_a_damaged_entry_says_so_and_the_others_can_be_used(tmp_path: Path, method: int, start: int) -> None:
    path = make_zip(tmp_path, method)
    first, second = list_pictures(path, largest=10_000)
    content = bytearray(path.read_bytes())
    begin = first.info.header_offset + 30 + len("first.png") + start
    content[begin : begin + 20] = b"\xff" * 20
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"^first\.png can't be unpacked") as failed:
        list(unpack(path, [first], tmp_path / "a"))
    assert str(tmp_path) not in str(failed.value)
    assert len(list(unpack(path, [second], tmp_path / "b"))) == 1


def test_a_full_disk_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_zip(tmp_path, zipfile.ZIP_DEFLATED)
    entries = list_pictures(path, largest=10_000)

    class Full:
        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None: ...

        def write(self, _data: bytes) -> int:
            raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(Path, "open", lambda *_: Full())
    with pytest.raises(OSError, match="no space"):
        list(unpack(path, entries, tmp_path / "out"))
