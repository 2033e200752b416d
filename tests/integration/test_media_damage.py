"""Files that are cut short, disks that are full, processes that are killed: no half-written file, nothing lost."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

from tinct.errors import OutputError, TruncatedPhoto
from tinct.media.photo import read_photo, write_photo

ROWS, COLUMNS = 600, 800
posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and limits")


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS]
    grain = np.random.default_rng(0).integers(0, 30, (ROWS, COLUMNS))
    return ((rows + columns) % 200 + grain).astype(np.uint8)


@pytest.fixture(scope="module")
def files(picture: np.ndarray) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, options in {
        "jpeg": {},
        "jpeg progressive": {"progressive": True},
        "png": {},
        "tiff": {},
        "tiff lzw": {"compression": "tiff_lzw"},
        "webp": {},
        "gif": {"interlace": 0},
        "avif": {},
    }.items():
        file = io.BytesIO()
        Image.fromarray(picture).save(file, name.split()[0], **options)
        found[name] = file.getvalue()
    image = pyvips.Image.new_from_array(picture)
    found["png interlaced"] = image.pngsave_buffer(interlace=True)
    found["tiff tiled"] = image.tiffsave_buffer(tile=True, compression="deflate")
    found["tiff jpeg"] = image.tiffsave_buffer(compression="jpeg")
    return found


KINDS = "jpeg|jpeg progressive|png|png interlaced|tiff|tiff lzw|tiff tiled|tiff jpeg|webp|gif|avif".split("|")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.03, 0.5, 0.95])
def test_cut_files_fail_and_leave_nothing(kind, share, files, tmp_path):
    data = files[kind]
    path = tmp_path / "cut"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(TruncatedPhoto, match="cut short"):
        read_photo(path).small_lightness(60, 80)
    with pytest.raises(TruncatedPhoto, match="cut short"):
        read_photo(path).to_numpy()
    with pytest.raises(TruncatedPhoto, match="cut short"):
        read_photo(path).save(tmp_path / "result.jpg")
    old = tmp_path / "old.png"
    old.write_bytes(b"old")
    with pytest.raises(TruncatedPhoto, match="cut short"):
        read_photo(path).save(old, overwrite=True)
    assert old.read_bytes() == b"old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["cut", "old.png"]


@pytest.mark.parametrize("kind", ["jpeg", "jpeg progressive", "png", "tiff", "gif"])
def test_what_is_there_is_kept_if_asked(kind, files, picture, tmp_path):
    data = files[kind]
    photo = read_photo(data[: int(len(data) * 0.6)], allow_truncated=True)
    assert any("cut short" in note for note in photo.notes)
    pixels = np.asarray(photo.to_pil().convert("L"))
    assert pixels.shape == picture.shape
    assert np.abs(pixels[:200].astype(int) - picture[:200]).mean() < 12
    assert photo.small_lightness(60, 80).shape == (60, 80)
    photo.save(tmp_path / "result.jpg")
    assert read_photo(tmp_path / "result.jpg").height == ROWS


@pytest.mark.parametrize("kind", ["webp", "avif", "tiff lzw", "png interlaced"])
def test_nothing_to_keep_is_told_at_once(kind, files):
    with pytest.raises(TruncatedPhoto, match="nothing of it can be decoded"):
        read_photo(files[kind][: len(files[kind]) // 2], allow_truncated=True)


def test_nothing_to_keep_where_the_header_is_cut(files):
    with pytest.raises(TruncatedPhoto, match="nothing of it can be decoded"):
        read_photo(files["jpeg"][:100], allow_truncated=True)


@pytest.mark.parametrize("kind", KINDS)
def test_whole_files_are_not_taken_for_cut_ones(kind, files):
    photo = read_photo(files[kind], allow_truncated=True)
    assert photo.notes == ()
    assert photo.small_lightness(6, 8).shape == (6, 8)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_inside_never_surprises(kind, files):
    """Whatever bytes turn, the outcome is pixels or one of the package's own errors."""
    from tinct.errors import TinctError

    chance = random.Random(kind)
    for _ in range(12):
        data = bytearray(files[kind])
        for _ in range(20):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            read_photo(bytes(data), max_pixels=10_000_000).small_lightness(30, 40)
        except TinctError:
            continue


LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from tinct.errors import OutputError
from tinct.media.photo import read_photo, write_photo

pixels = np.random.default_rng(0).integers(0, 256, (200, 250, 3)).astype(np.uint8)
photo = read_photo(pixels)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for form in ("jpeg", "png", "tiff", "webp", "avif"):
    for target in (Path(sys.argv[1]) / f"new.{form}", Path(sys.argv[1]) / "old"):
        try:
            write_photo(photo.open(), target, like=photo, format=form, quality=100, overwrite=True)
        except OutputError as error:
            print(form, error)
        else:
            sys.exit(f"{form} was written beyond the limit")
"""


@posix_only
def test_a_full_disk(tmp_path):
    """A limit on the size of files stands for the end of the disk: writes fail in the middle in the same way."""
    (tmp_path / "old").write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("can't be written") == 10
    assert "Traceback" not in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_bytes() == b"old"


WRITING = """
import sys
from pathlib import Path
import numpy as np
from tinct.media.photo import read_photo, write_photo

photo = read_photo(np.random.default_rng(1).integers(0, 256, (1500, 2000, 3)).astype(np.uint8))
print("ready", flush=True)
while True:
    write_photo(photo.open(), Path(sys.argv[1]), like=photo, overwrite=True)
"""


@posix_only
@pytest.mark.parametrize("form", ["jpeg", "tiff"])
def test_a_killed_process_leaves_the_old_file_or_the_new_one(form, tmp_path):
    target = tmp_path / f"a.{form}"
    read_photo(np.full((1500, 2000, 3), 90, np.uint8)).save(target)
    chance = random.Random(form)
    for _ in range(2):
        with subprocess.Popen([sys.executable, "-c", WRITING, str(target)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0.02, 0.5))
            process.send_signal(signal.SIGKILL)
        assert read_photo(target).to_numpy().shape == (1500, 2000, 3)


def test_targets_that_can_not_be(picture, tmp_path):
    photo = read_photo(picture)
    for target in (tmp_path / "missing" / "a.jpg", tmp_path, tmp_path / ("x" * 300 + ".jpg")):
        with pytest.raises(OutputError):
            write_photo(photo.open(), target, like=photo, format="jpeg", overwrite=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["Öl 東京 ñ.jpg", "a[Q=1,strip].jpg", "y" * 251 + ".jpg"])
def test_names_of_results(name, picture, tmp_path):
    read_photo(picture).save(tmp_path / name)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    with Image.open(tmp_path / name) as result:
        assert result.quantization[0][0] < 5  # the name is no option


STREAMING = """
import sys
from pathlib import Path
import pyvips
from tinct.media.photo import Photo, read_photo

photo = read_photo(Path(sys.argv[1]))
photo.small_lightness(256, 256)

def build():
    lightness = photo.lightness()
    return (lightness * 2.55).bandjoin([lightness, 128]).cast("uchar").copy(interpretation="srgb")

Photo.from_image(build, like=photo).save(Path(sys.argv[2]))
print(peak_memory())
"""


def test_large_scans_stream(tmp_path, peak_memory):
    """81 megapixels, 243 MB of color and 324 MB of lightness: read and written within less memory than either."""
    source = tmp_path / "scan.tif"
    noise = pyvips.Image.gaussnoise(3000, 3000, mean=128, sigma=20, seed=1).cast("uchar")
    noise.replicate(3, 3).tiffsave(str(source), tile=True, compression="deflate", predictor="horizontal")
    code = peak_memory + STREAMING
    for suffix in (".tif", ".jpg"):
        target = tmp_path / f"result{suffix}"
        command = [sys.executable, "-c", code, str(source), str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert int(done.stdout) < 200
        assert read_photo(target).width == 9_000
        target.unlink()


def test_loading_the_package_loads_no_libvips():
    code = "import sys, tinct, tinct.media, tinct.media.photo; sys.exit('pyvips' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_libvips_says_nothing_on_its_own(files, tmp_path):
    """Its warnings go to Python's logging, for those who want them, not to the terminal."""
    (tmp_path / "a.tif").write_bytes(files["tiff"][: len(files["tiff"]) // 2])
    code = (
        "import sys; from pathlib import Path; from tinct.media.photo import read_photo\n"
        "p = read_photo(Path(sys.argv[1]), allow_truncated=True); p.small_lightness(30, 40); p.to_numpy()"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.tif")], capture_output=True, check=True)
    assert done.stderr == b""


def test_paths_of_another_kind(picture, tmp_path):
    """``Photo.save`` and ``read_photo`` take text as well as paths."""
    read_photo(picture).save(str(tmp_path / "a.png"))
    assert read_photo(str(tmp_path / "a.png")).name == str(Path(tmp_path / "a.png"))
