"""The page as a folder of files that any server can serve: it colors photographs in the browser, also offline."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import tinct
from tinct.errors import BadModelFile, OutputError, OutputExists
from tinct.inference.backends import is_checkpoint, read_spec
from tinct.web import runtime
from tinct.web.engine_constants import constants_module
from tinct.weights import store

STATIC = Path(__file__).parent / "static"
LOCAL = Path(__file__).parent / "local"
LISTED = "offline-files.js"
"""The list of files that are kept for offline use; also tells a folder that was exported from any other."""
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'"
)
"""Nothing can be sent anywhere: the page may only ask its own server, and has nothing to ask but its files."""
HEAD = f"""\
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="referrer" content="no-referrer">
<meta name="tinct-engine" content="local">
<link rel="manifest" href="manifest.webmanifest">
<link rel="apple-touch-icon" href="icons/192.png">
<script type="module" src="static/local/offline.js"></script>
"""
ENGINE = '<meta name="tinct-engine" content="server">\n'
ROOT_FILES = ("service-worker.js", "manifest.webmanifest", "icons")
"""What of the local engine's folder goes to the top of the exported one."""


def export_page(
    folder: Path,
    *,
    model: str = "default",
    package: Path | None = None,
    overwrite: bool = False,
    progress: Callable[[str, int, int | None], None] = lambda name, done, total: None,
) -> int:
    """Write the folder; it is there whole or not at all.

    Args:
        folder: to write; its parent must exist.
        model: name or ONNX file of the model that it brings.
        package: the npm package of onnxruntime-web; None fetches it.
        overwrite: replace an earlier export.
        progress: told how far the download of the package is.

    Returns:
        The size of all files, in bytes.

    Raises:
        UnknownModel, BadModelFile: the model can't be used.
        OptionError: the package is another file.
        DataError: the package can't be fetched.
        OutputExists: the folder is there, and no earlier export or ``overwrite`` is False.
        OutputError: it can't be written.
    """
    _check_target(folder, overwrite)
    path = store.resolve(model)
    if is_checkpoint(path):
        raise BadModelFile(f"{path} is a checkpoint; turn it into an ONNX file by tinct export, and give that")
    spec = read_spec(path)
    weights = store.read(path)
    model_hash = store.verified_hash(path, weights)
    found = runtime.find_package(package, progress)
    begun = folder.parent / f".tinct-{secrets.token_hex(8)}.tmp"
    try:
        shutil.copytree(STATIC, begun / "static", ignore=shutil.ignore_patterns("engine-server.js", "index.html"))
        shutil.copytree(
            LOCAL, begun / "static" / "local", ignore=shutil.ignore_patterns("engine-local.js", *ROOT_FILES)
        )
        shutil.copy(LOCAL / "engine-local.js", begun / "static")
        for name in ROOT_FILES:
            source = LOCAL / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, begun / name)
        vendor = begun / "static" / "vendor" / "onnxruntime-web"
        vendor.mkdir()
        runtime.unpack(found, vendor)
        (begun / "model").mkdir()
        (begun / "model" / f"{spec.name}.onnx").write_bytes(weights)
        constants = constants_module(spec, model=f"{spec.name}.onnx", model_hash=model_hash, version=tinct.__version__)
        (begun / "static" / "local" / "constants.js").write_text(constants, "utf-8")
        (begun / "index.html").write_text(page(), "utf-8")
        (begun / LISTED).write_text(_list_files(begun), "utf-8")
        size = sum(file.stat().st_size for file in begun.rglob("*") if file.is_file())
        _put(begun, folder)
    except OSError as error:
        raise OutputError(f"{folder} can't be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(begun, ignore_errors=True)
    return size


def page() -> str:
    """Return the exported ``index.html``: the server's page with the other engine, and what makes it installable."""
    text = (STATIC / "index.html").read_text("utf-8")
    before, found, after = text.partition(ENGINE)
    assert found, "the page names its engine"
    return before + HEAD + after


def _check_target(folder: Path, overwrite: bool) -> None:
    if not folder.parent.is_dir():
        raise OutputError(f"{folder.parent} is no folder; make it first")
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise OutputExists(f"{folder} is no folder; give another name")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / LISTED).is_file():
        raise OutputExists(f"{folder} holds other files; give a folder that is new or empty")
    if not overwrite:
        raise OutputExists(f"{folder} is there already; give another name, or allow overwriting it by --overwrite")


def _list_files(folder: Path) -> str:
    """Return the script that tells the service worker what to keep; another version where any file is another."""
    digest = hashlib.sha256()
    names = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
        # A service worker is never asked for itself.
        if name != "service-worker.js":
            names.append(name)
    listed = {"version": digest.hexdigest()[:16], "files": names}
    return f"/** Written by tinct export-web. */\nself.TINCT = {json.dumps(listed)};\n"


def _put(begun: Path, folder: Path) -> None:
    """Give a finished folder its name; an earlier one stays until then."""
    earlier = begun.with_name(begun.name + ".old")
    if folder.exists():
        folder.rename(earlier)
    try:
        begun.rename(folder)
    except OSError:
        if earlier.exists():
            earlier.rename(folder)
        raise
    shutil.rmtree(earlier, ignore_errors=True)
