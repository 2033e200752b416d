"""Pretrained weights from the network, kept where PyTorch keeps its own, so that a file fetched before is found."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Final

import torch

from tinct.errors import BadModelFile, ModelError
from tinct.media.atomic import atomic_path

TIMEOUT = 30
"""Seconds that a server may stay silent."""
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A file of weights on a server."""

    url: str
    """Its last part is the file's name."""
    digest: str
    """First digits of its SHA-256, in hex, as PyTorch's hub writes them into the name."""

    @property
    def file(self) -> Path:
        """Where it is kept: ``$TORCH_HOME/hub/checkpoints``, by default below ``~/.cache/torch``."""
        return Path(torch.hub.get_dir()) / "checkpoints" / self.url.rpartition("/")[2]


EFFICIENTNET_B0: Final = Pretrained(
    "https://github.com/lukemelas/EfficientNet-PyTorch/releases/download/1.0/efficientnet-b0-355c32eb.pth", "355c32eb"
)
VGG16: Final = Pretrained("https://download.pytorch.org/models/vgg16-397923af.pth", "397923af")


def fetch(weights: Pretrained) -> Path:
    """Return the file of pretrained weights, downloaded if it isn't there yet.

    Raises:
        ModelError: it isn't there, and can't be downloaded or kept.
        BadModelFile: what is there, or was downloaded, has another hash; of a download nothing is kept.
    """
    path = weights.file
    if path.is_file():
        with path.open("rb") as file:
            _check(hashlib.file_digest(file, "sha256").hexdigest(), weights, f"{path}; delete it")
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"{path.parent} can't be made ({error}); name another folder in TORCH_HOME") from error
    found = hashlib.sha256()
    with atomic_path(path, overwrite=True) as part:
        with part.open("wb") as file:
            for block in _download(weights.url, path):
                found.update(block)
                file.write(block)
        _check(found.hexdigest(), weights, f"what {weights.url} sent; try again later")
    return path


def _download(url: str, path: Path) -> Iterator[bytes]:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            while block := answer.read(_BLOCK):
                yield block
    except (OSError, HTTPException) as error:  # urllib's own errors are among the former
        raise ModelError(
            f"{path.name} can't be downloaded ({error}); fetch {url} where there is network, and put it at {path}"
        ) from error


def _check(found: str, weights: Pretrained, what: str) -> None:
    if not found.startswith(weights.digest):
        raise BadModelFile(f"the SHA-256 {found[:8]} isn't {weights.digest} in {what}")
