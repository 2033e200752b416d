"""The networks that published FID and LPIPS are defined by. Their weights aren't part of Tinct: the user gives a file.

Inception-v3 as TensorFlow had it in 2015 (averages leave the padding out, the last block takes the largest values), and
AlexNet with the linear layers of LPIPS 0.1; weights have the names that the usual ports give them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from tinct.color.figures import Pixels
from tinct.errors import BadModelFile
from tinct.models.encoders import read_weights
from tinct.weights.store import digest

SIDE = 299
"""Of the squares that Inception-v3 sees."""

Kernel = tuple[int, int]
# Convolutions of a branch, one after the other; those of one step stand side by side: name, filters, kernel, stride.
_Step = tuple[tuple[str, int, Kernel, int], ...]
_Branch = tuple[_Step, ...]
_ONE, _THREE, _FIVE, _WIDE, _TALL = (1, 1), (3, 3), (5, 5), (1, 7), (7, 1)
_NARROW, _LOW = (3, 1), (1, 3)


def _chain(name: str, *steps: tuple[int, Kernel], stride: int = 1) -> _Branch:
    """Return convolutions in a row, named by their number; the last one has the stride."""
    last = len(steps)
    names = [name] if last == 1 else [f"{name}_{number}" for number in range(1, last + 1)]
    return tuple(
        ((part, filters, kernel, stride if number == last else 1),)
        for number, (part, (filters, kernel)) in enumerate(zip(names, steps, strict=True), 1)
    )


def _fork(name: str, number: int) -> _Step:
    return (f"{name}_{number}a", 384, _LOW, 1), (f"{name}_{number}b", 384, _NARROW, 1)


def _a(pooled: int) -> tuple[_Branch, ...]:
    return (
        _chain("branch1x1", (64, _ONE)),
        _chain("branch5x5", (48, _ONE), (64, _FIVE)),
        _chain("branch3x3dbl", (64, _ONE), (96, _THREE), (96, _THREE)),
        _chain("branch_pool", (pooled, _ONE)),
    )


def _c(inner: int) -> tuple[_Branch, ...]:
    return (
        _chain("branch1x1", (192, _ONE)),
        _chain("branch7x7", (inner, _ONE), (inner, _WIDE), (192, _TALL)),
        _chain("branch7x7dbl", (inner, _ONE), (inner, _TALL), (inner, _WIDE), (inner, _TALL), (192, _WIDE)),
        _chain("branch_pool", (192, _ONE)),
    )


_B: Final = (
    _chain("branch3x3", (384, _THREE), stride=2),
    _chain("branch3x3dbl", (64, _ONE), (96, _THREE), (96, _THREE), stride=2),
    (),
)
_D: Final = (
    _chain("branch3x3", (192, _ONE), (320, _THREE), stride=2),
    _chain("branch7x7x3", (192, _ONE), (192, _WIDE), (192, _TALL), (192, _THREE), stride=2),
    (),
)
_E: Final = (
    _chain("branch1x1", (320, _ONE)),
    ((("branch3x3_1", 384, _ONE, 1),), _fork("branch3x3", 2)),
    ((("branch3x3dbl_1", 448, _ONE, 1),), (("branch3x3dbl_2", 384, _THREE, 1),), _fork("branch3x3dbl", 3)),
    _chain("branch_pool", (192, _ONE)),
)
# Blocks in order: branches, and the pool before the last of them.
_MIXED: Final[dict[str, tuple[tuple[_Branch, ...], str]]] = {
    "Mixed_5b": (_a(32), "mean"),
    "Mixed_5c": (_a(64), "mean"),
    "Mixed_5d": (_a(64), "mean"),
    "Mixed_6a": (_B, "halve"),
    "Mixed_6b": (_c(128), "mean"),
    "Mixed_6c": (_c(160), "mean"),
    "Mixed_6d": (_c(160), "mean"),
    "Mixed_6e": (_c(192), "mean"),
    "Mixed_7a": (_D, "halve"),
    "Mixed_7b": (_E, "mean"),
    "Mixed_7c": (_E, "most"),
}


class _Conv(nn.Module):
    def __init__(self, inputs: int, filters: int, kernel: Kernel, stride: int = 1, *, padded: bool = True) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2) if padded and stride == 1 else 0
        self.conv = nn.Conv2d(inputs, filters, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(filters, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class _Mixed(nn.Module):
    """Branches side by side; the last one sees pooled values: ``mean``, ``most``, or ``halve`` (most, at stride 2)."""

    def __init__(self, inputs: int, branches: tuple[_Branch, ...], pool: str) -> None:
        super().__init__()
        self.branches, self.pool = branches, pool
        self.outputs = 0
        for branch in branches:
            channels = inputs
            for step in branch:
                for name, filters, kernel, stride in step:
                    self.add_module(name, _Conv(channels, filters, kernel, stride))
                channels = sum(filters for _, filters, _, _ in step)
            self.outputs += channels

    def forward(self, x: Tensor) -> Tensor:
        found = []
        for branch in self.branches:
            y = self._pooled(x) if branch is self.branches[-1] else x
            for step in branch:
                y = torch.cat([self.get_submodule(name)(y) for name, *_ in step], 1)
            found.append(y)
        return torch.cat(found, 1)

    def _pooled(self, x: Tensor) -> Tensor:
        if self.pool == "mean":
            return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        return F.max_pool2d(x, 3, 2) if self.pool == "halve" else F.max_pool2d(x, 3, 1, 1)


class InceptionV3(nn.Module):
    """Inception-v3 up to its pooled features: (N, 3, 299, 299) in -1..1 -> (N, 2048).

    Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision" (2016), as in Heusel 2017.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Conv(3, 32, _THREE, 2)
        self.Conv2d_2a_3x3 = _Conv(32, 32, _THREE, padded=False)
        self.Conv2d_2b_3x3 = _Conv(32, 64, _THREE)
        self.Conv2d_3b_1x1 = _Conv(64, 80, _ONE)
        self.Conv2d_4a_3x3 = _Conv(80, 192, _THREE, padded=False)
        channels = 192
        for name, (branches, pool) in _MIXED.items():
            block = _Mixed(channels, branches, pool)
            self.add_module(name, block)
            channels = block.outputs
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = F.max_pool2d(x, 3, 2)
        for name in _MIXED:
            x = self.get_submodule(name)(x)
        return x.mean((2, 3))


class Inception:
    """What FID sees; several threads may share it.

    Args:
        weights: ``pt_inception-2015-12-05-6726825d.pth``, the port that the usual FID packages fetch.

    Raises:
        BadModelFile: the file is no such weights.
    """

    def __init__(self, weights: Path) -> None:
        self.sha256 = digest(weights)
        self._network = InceptionV3()
        theirs = {key: value for key, value in read_weights(weights).items() if not key.startswith("fc.")}
        _load(self._network, theirs, weights)

    def look(self, pictures: Sequence[Pixels]) -> NDArray[np.float32]:
        """Return the features of pictures of one size, uint8 (H, W, 3) each: (N, 2048)."""
        with torch.inference_mode():
            planes = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()
            features: NDArray[np.float32] = self._network((_enlarge(planes) - 128) / 128).numpy()
        return features


def _enlarge(planes: Tensor) -> Tensor:
    """Resize (N, C, H, W) to 299x299 as TensorFlow 1 did: lines between pixels, counted from their corners."""
    for axis in (2, 3):
        size = planes.shape[axis]
        place = torch.arange(SIDE) * (size / SIDE)
        below = place.long()
        share = (place - below).reshape((-1, 1) if axis == 2 else (1, -1))
        above = (below + 1).clamp(max=size - 1)
        planes = planes.index_select(axis, below) * (1 - share) + planes.index_select(axis, above) * share
    return planes


# AlexNet's convolutions by slice: index of the weights, inputs, filters, kernel, stride, padding; a pool before it.
_ALEX: Final = (
    (0, 3, 64, 11, 4, 2, False),
    (3, 64, 192, 5, 1, 2, True),
    (6, 192, 384, 3, 1, 1, True),
    (8, 384, 256, 3, 1, 1, False),
    (10, 256, 256, 3, 1, 1, False),
)


class LpipsNetwork(nn.Module):
    """LPIPS 0.1 on AlexNet: two pictures (N, 3, H, W) in -1..1 -> their distances (N,).

    Source: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (2018), equation 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Module()
        for number, (index, inputs, filters, kernel, stride, padding, _) in enumerate(_ALEX):
            part = nn.Module()
            part.add_module(str(index), nn.Conv2d(inputs, filters, kernel, stride, padding))
            self.net.add_module(f"slice{number + 1}", part)
            weigh = nn.Module()
            weigh.model = nn.ModuleList([nn.Identity(), nn.Conv2d(filters, 1, 1, bias=False)])
            self.add_module(f"lin{number}", weigh)
        self.scaling_layer = nn.Module()
        self.scaling_layer.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188]).reshape(1, 3, 1, 1))
        self.scaling_layer.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450]).reshape(1, 3, 1, 1))
        self.eval()

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """See the class."""
        total = first.new_zeros(len(first))
        shift, scale = (self.get_buffer(f"scaling_layer.{name}") for name in ("shift", "scale"))
        one, two = ((x - shift) / scale for x in (first, second))
        for number, (index, *_, pooled) in enumerate(_ALEX):
            convolution = self.net.get_submodule(f"slice{number + 1}.{index}")
            one, two = (F.relu(convolution(F.max_pool2d(x, 3, 2) if pooled else x)) for x in (one, two))
            apart = (_unit(one) - _unit(two)) ** 2
            total = total + self.get_submodule(f"lin{number}.model.1")(apart).mean((1, 2, 3))
        return total


def _unit(features: Tensor) -> Tensor:
    return features / (features.square().sum(1, keepdim=True).sqrt() + 1e-10)


class Lpips:
    """How far apart two pictures look; several threads may share it.

    Args:
        weights: what ``torch.save(lpips.LPIPS(net="alex").state_dict(), FILE)`` writes.

    Raises:
        BadModelFile: the file is no such weights.
    """

    def __init__(self, weights: Path) -> None:
        self.sha256 = digest(weights)
        self._network = LpipsNetwork()
        # The package lists its linear layers twice.
        theirs = {key: value for key, value in read_weights(weights).items() if not key.startswith("lins.")}
        _load(self._network, theirs, weights)

    def compare(self, original: Pixels, pictures: Sequence[Pixels]) -> list[float]:
        """Return the distance of each picture, uint8 (H, W, 3), from the original."""
        with torch.inference_mode():
            planes = torch.from_numpy(np.stack([original, *pictures])).permute(0, 3, 1, 2).float() / 127.5 - 1
            found = self._network(planes[:1].expand(len(pictures), -1, -1, -1), planes[1:])
        return [float(value) for value in found]


def _load(network: nn.Module, weights: dict[str, Tensor], path: Path) -> None:
    """Load weights that must fit to the last one."""
    counters = {key for key in network.state_dict() if key.endswith("num_batches_tracked")}
    ours = {key: value.shape for key, value in network.state_dict().items() if key not in counters}
    theirs = {key: value for key, value in weights.items() if key not in counters}
    wrong = sorted(ours.keys() ^ theirs.keys()) or [key for key, shape in ours.items() if theirs[key].shape != shape]
    if wrong:
        raise BadModelFile(
            f"{path} holds other weights than are needed: {len(wrong)} differ, the first is {wrong[0]}; "
            "docs/reference/figures.md says where they come from"
        )
    network.load_state_dict(theirs, strict=False)  # only the counters of batches are missing
