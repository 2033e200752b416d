"""What a network holds within: its layers by name, and their outputs brought to one length."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tinct.errors import OptionError
from tinct.models.encoders import EfficientNetLite
from tinct.models.registry import create_model
from tinct.weights.checkpoint import load_network
from tinct.weights.store import resolve

LONGEST = 1024
"""Features of a layer; of larger outputs, means over a grid of cells are taken."""
IMAGENET, RANDOM = "imagenet", "random"
_CALIBRATION = 256
"""Photographs by which a network with random weights gets the statistics of its normalization."""


@dataclasses.dataclass(frozen=True, slots=True)
class Network:
    """A frozen network to look into."""

    name: str
    body: nn.Module
    multiple: int
    """Height and width must be multiples of this."""
    hints: bool
    normal: Callable[[Tensor], Tensor] = lambda lightness: lightness
    """Brings lightness, 0..100, to what the body takes."""
    kind: Literal["model", "random", "imagenet"] = "model"
    twin: str | None = None
    """Name of the network of the same architecture with random weights."""

    def __call__(self, lightness: Tensor) -> None:
        """Run on lightness, (N, 1, H, W); what is wanted is caught on the way."""
        inputs = [self.normal(lightness)]
        if self.hints:
            inputs.append(lightness.new_zeros(len(lightness), 3, *lightness.shape[2:]))
        self.body(*inputs)


class ImageNetEncoder(nn.Module):
    """EfficientNet-Lite0 over lightness with ImageNet weights; its layers are called as in the models that hold one."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = EfficientNetLite("lite0")
        self.encoder.load_imagenet()

    def forward(self, lightness: Tensor) -> list[Tensor]:
        """Return the features at strides 2 to 32, of lightness brought to -1..1."""
        features: list[Tensor] = self.encoder(lightness)
        return features


def load_networks(models: Sequence[str], seed: int = 0) -> list[Network]:
    """Return the models, each architecture of them with random weights, and the ImageNet encoder.

    Args:
        models: names, ONNX files that Tinct wrote, checkpoints.
        seed: of the random weights.

    Raises:
        UnknownModel, BadModelFile: a model can't be used.
        MissingExtra: a library that reading it, or the package with the ImageNet weights, isn't installed.
    """
    trained: list[Network] = []
    fresh: dict[str, Network] = {}
    for name in dict.fromkeys(models):
        spec, body = load_network(resolve(name))
        kind = f"{spec.architecture} {sorted(spec.options.items())}"
        if kind not in fresh:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                weightless = create_model(spec.architecture, **spec.options)
            label = f"{RANDOM} {spec.architecture}" + (f" {len(fresh) + 1}" if fresh else "")
            fresh[kind] = Network(label, weightless, spec.multiple, spec.takes_hints, kind="random")
        trained.append(Network(name, body, spec.multiple, spec.takes_hints, twin=fresh[kind].name))
    imagenet = Network(IMAGENET, ImageNetEncoder(), 32, False, lambda L: L / 50 - 1, kind="imagenet")
    networks = [*trained, *fresh.values(), imagenet]
    for network in networks:
        network.body.eval().requires_grad_(False)
    return networks


def calibrate(network: Network, lightness: Tensor) -> None:
    """Give normalization layers of random weights the statistics of photographs, as training would have.

    Without, the outputs of a deep network fade or explode, and the comparison would be with a network that is broken.
    """
    norms = [module for module in network.body.modules() if isinstance(module, nn.BatchNorm2d)]
    usual = [module.momentum for module in norms]
    for module in norms:
        module.reset_running_stats()
        module.momentum = None  # the plain mean over all batches
        module.train()
    for batch in torch.split(lightness[:_CALIBRATION], 64):
        network(batch)
    for module, momentum in zip(norms, usual, strict=True):
        module.momentum = momentum
        module.eval()


def find_layers(networks: Sequence[Network], side: int, wanted: Sequence[str] = ()) -> list[dict[str, tuple[int, ...]]]:
    """Return the layers to look at in each network, in the order in which it runs them, with their outputs' shapes.

    Args:
        networks: to look into.
        side: of the pictures, in pixels.
        wanted: names of modules, as of ``named_modules()``, for those networks that have them; none takes blocks:
            modules that give a map of features which depends on the picture, the outermost ones, but one step into
            sequences of blocks.

    Raises:
        OptionError: no network has a layer of that name, or it gives no features.
    """
    found = []
    for network in networks:
        known = set(dict(network.body.named_modules())) - {""}
        names = [name for name in wanted if name in known] if wanted else _blocks(network, side)
        outputs = _run_noise(network, side, names)
        found.append({name: tuple(pair[0].shape[1:]) for name, pair in outputs.items()})
    for name in wanted:
        if not any(name in layers for layers in found):
            blocks = ", ".join(_blocks(networks[0], side))
            raise OptionError(f"no layer {name!r} gives features; {networks[0].name} has {blocks}, and their parts")
    return found


def _blocks(network: Network, side: int) -> list[str]:
    modules = dict(network.body.named_modules())
    outputs = _run_noise(network, side, [name for name in modules if name])
    taken: list[str] = []

    def visit(name: str, module: nn.Module, depth: int) -> None:
        whole = type(module) is nn.Sequential and depth == 1 and any(list(child.children()) for child in module)
        if name in outputs and outputs[name][0].ndim == 4 and not whole:
            first, second = outputs[name]
            if not torch.equal(first, second):
                taken.append(name)
            return
        for child_name, child in module.named_children():
            visit(f"{name}.{child_name}" if name else child_name, child, depth + 1)

    visit("", network.body, 0)
    return [name for name in outputs if name in taken]


def _run_noise(network: Network, side: int, names: Sequence[str]) -> dict[str, list[Tensor]]:
    """Return what modules give for two pictures of noise, by name in the order of running."""
    noise = torch.rand(2, 1, side, side, generator=torch.Generator().manual_seed(0)) * 100
    found: dict[str, list[Tensor]] = {}
    for picture in torch.split(noise, 1):
        with catching(network, names) as caught:
            network(picture)
        for name, value in caught.items():
            found.setdefault(name, []).append(value)
    return found


@contextmanager
def catching(network: Network, names: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """Give a dictionary that holds after each run what modules gave, where that is one tensor of a whole batch."""
    modules = dict(network.body.named_modules())
    caught: dict[str, Tensor] = {}

    def hook(name: str) -> Callable[..., None]:
        def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim >= 2:
                # Later layers may write over it.
                caught[name] = output.detach().clone()

        return keep

    handles = [modules[name].register_forward_hook(hook(name)) for name in names]
    try:
        with torch.no_grad():
            yield caught
    finally:
        for handle in handles:
            handle.remove()


def to_vectors(output: Tensor, longest: int = LONGEST) -> Tensor:
    """Return a layer's output as one vector a picture, (N, d), d at most ``longest`` where the channels allow.

    Maps, (N, C, h, w), become means over the finest grid of equal cells that fits; tokens, (N, K, C), likewise.
    """
    if output.ndim == 4:
        channels, height, width = output.shape[1:]
        side = max(1, math.isqrt(max(1, longest // channels)))
        output = F.adaptive_avg_pool2d(output, (min(side, height), min(side, width)))
    elif output.ndim == 3:
        tokens = max(1, longest // output.shape[2])
        output = F.adaptive_avg_pool1d(output.transpose(1, 2), min(tokens, output.shape[1]))
    return output.flatten(1)


def check_side(networks: Sequence[Network], side: int) -> None:
    """Refuse a size that a network can't take.

    Raises:
        OptionError: it is no multiple of what the network needs.
    """
    for network in networks:
        if side < 32 or side % network.multiple:
            raise OptionError(f"--size is {side}; {network.name} takes multiples of {network.multiple}, from 32 up")
