"""What networks see in a picture. The one part of the evaluation that needs torch, and it is asked for only here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinct.color.figures import Pixels
from tinct.errors import MissingExtra
from tinct.evaluation.resample import resize

if TYPE_CHECKING:
    from torch import nn

SIDE, MIDDLE = 256, 224
"""Of the squares that pictures are brought to, and of their middle, which the network sees, as is usual."""
_IDS = Path(__file__).with_name("imagenet_ids.txt")
_ID = re.compile(r"(?<![A-Za-z0-9])n\d{8}(?!\d)")


@cache
def _classes() -> dict[str, int]:
    """Return the number of each of ImageNet's 1,000 classes by its id, in the order of the ids."""
    return {name: number for number, name in enumerate(_IDS.read_text("ascii").split())}


def class_of(name: str) -> int | None:
    """Return the ImageNet class that a file's name tells by its id, None where it has none.

    >>> class_of("imagenet/n01443537_goldfish.jpg")
    1
    """
    return next((number for found in _ID.findall(name) if (number := _classes().get(found)) is not None), None)


class Lite:
    """EfficientNet-Lite with its ImageNet weights, as a judge; several threads may share it.

    Args:
        variant: ``lite0``, ``lite1`` or ``lite2``.

    Raises:
        MissingExtra: torch, or the package with the weights, isn't installed.
    """

    def __init__(self, variant: str = "lite0") -> None:
        try:
            import torch

            from tinct.models.features import ImageNetFeatures
        except ImportError as error:
            raise MissingExtra("figures on EfficientNet-Lite features", "train") from error
        self._torch = torch
        self._network = ImageNetFeatures(f"efficientnet-{variant}")
        _fold_norms(self._network)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in its stubs

    def look(self, pictures: Sequence[Pixels]) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
        """Return the features of pictures, (N, 1280), and the class that each looks like, (N,).

        Args:
            pictures: uint8 (H, W, 3) each; brought to 256x256 where they have another size, of which the middle 224x224
                count.
        """
        features, classes = zip(*(self._look(picture) for picture in pictures), strict=True)
        return np.concatenate(features), np.concatenate(classes)

    def _look(self, picture: Pixels) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
        square = picture if picture.shape[:2] == (SIDE, SIDE) else resize(picture, SIDE, SIDE)
        edge = (SIDE - MIDDLE) // 2
        middle = np.ascontiguousarray(square[np.newaxis, edge : edge + MIDDLE, edge : edge + MIDDLE])
        # One at a time: what lies between two layers then stays in the processor's cache.
        with self._torch.inference_mode():
            planes = self._torch.from_numpy(middle).permute(0, 3, 1, 2).float() / 255
            features = self._network.embed(planes.contiguous(memory_format=self._torch.channels_last))
            classes = self._network.classify_embedding(features).argmax(dim=1)
        return features.numpy(), classes.numpy()


def _fold_norms(network: nn.Module) -> None:
    """Fold each batch normalization into the convolution before it: the same figures for two thirds of the time."""
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_weights

    for block in list(network.modules()):
        if not isinstance(block, nn.Sequential):
            continue
        for index in range(len(block) - 1):
            convolution, norm = block[index], block[index + 1]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                assert norm.running_mean is not None
                assert norm.running_var is not None
                convolution.weight, convolution.bias = fuse_conv_bn_weights(
                    *(convolution.weight, convolution.bias, norm.running_mean, norm.running_var),
                    *(norm.eps, norm.weight, norm.bias),
                )
                block[index + 1] = nn.Identity()


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let each torch operation inside the block use so many threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
