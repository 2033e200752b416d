"""What ImageNet networks see in a colored picture: for perceptual losses, and to judge results by."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from tinct.errors import OptionError, UnknownModel
from tinct.models.convolutions import SameConv
from tinct.models.encoders import (
    CLASSIFIER,
    IMAGENET_DEVIATION,
    IMAGENET_MEAN,
    VARIANTS,
    EfficientNetLite,
    load_in_order,
    make_norm,
    read_package,
    read_weights,
)
from tinct.models.hub import VGG16, fetch

LITE = "efficientnet-"
NETWORKS = (*(LITE + variant for variant in VARIANTS), "vgg16")
# Filters of VGG16's five blocks (Simonyan and Zisserman 2015, configuration D), and their convolutions.
_VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


class ImageNetFeatures(nn.Module):
    """A network with ImageNet weights, frozen.

    Args:
        network: ``efficientnet-lite0``, ``-lite1``, ``-lite2`` or ``vgg16``.
        weights: a file of them, as the package or torchvision writes it; None takes those of the package, or of the
            cache or the network for VGG16.

    Raises:
        UnknownModel: no network has that name.
        MissingExtra, ModelError: the weights are nowhere to be had.
        BadModelFile: they are of another network.
    """

    def __init__(self, network: str = "efficientnet-lite0", weights: Path | None = None) -> None:
        super().__init__()
        if network not in NETWORKS:
            raise UnknownModel(network, NETWORKS)
        self.network = network
        self.body: LiteClassifier | Vgg16
        if network == "vgg16":
            path = weights or fetch(VGG16)
            self.body = Vgg16()
            self.body.take(read_weights(path), path.name)
        else:
            variant = network.removeprefix(LITE)
            theirs, source = (read_weights(weights), weights.name) if weights else read_package(variant)
            self.body = LiteClassifier(variant)
            self.body.take(theirs, source)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> ImageNetFeatures:
        """Stay as it is: what is frozen doesn't train, and its normalization keeps ImageNet's statistics."""
        del mode
        super().train(False)
        return self

    def forward(self, rgb: Tensor) -> list[Tensor]:
        """Return feature maps: at strides 2 to 32, of VGG16 the last one of each block, at strides 1 to 16.

        Args:
            rgb: (N, 3, H, W), sRGB in 0..1; H and W multiples of 32 (VGG16: at least 16).

        Raises:
            OptionError: another size.
        """
        features: list[Tensor] = self.body(rgb)
        return features

    def embed(self, rgb: Tensor) -> Tensor:
        """Return what the classifier sees of each picture, (N, 1280); not of VGG16.

        Raises:
            OptionError: another network, or another size than :meth:`forward` takes.
        """
        return self._classifier().embed(rgb)

    def classify_embedding(self, embedding: Tensor) -> Tensor:
        """Return logits of ImageNet's classes, (N, 1000), from what :meth:`embed` gave, (N, 1280).

        Raises:
            OptionError: another network.
        """
        logits: Tensor = self._classifier().classes(embedding)
        return logits

    def _classifier(self) -> LiteClassifier:
        if not isinstance(self.body, LiteClassifier):
            raise OptionError(f"{self.network} has no classifier here; take efficientnet-lite0")
        return self.body


class LiteClassifier(nn.Module):
    """EfficientNet-Lite as it was trained on ImageNet."""

    def __init__(self, variant: str) -> None:
        super().__init__()
        self.encoder = EfficientNetLite(variant, inputs=3)
        self.last = nn.Sequential(SameConv(320, 1280, 1), make_norm(1280), nn.ReLU6(inplace=True))
        self.classes = nn.Linear(1280, 1000)

    def forward(self, rgb: Tensor) -> list[Tensor]:
        height, width = rgb.shape[2:]
        if height % 32 or width % 32:
            raise OptionError(f"pictures of {height} x {width} don't fit EfficientNet-Lite; resize to multiples of 32")
        # The weights were made with integers: (value - 127) / 128.
        features: list[Tensor] = self.encoder(rgb * (255 / 128) - 127 / 128)
        return features

    def embed(self, rgb: Tensor) -> Tensor:
        pooled: Tensor = self.last(self(rgb)[-1]).mean((2, 3))
        return pooled

    def take(self, theirs: dict[str, Tensor], source: str) -> None:
        self.encoder.take(theirs, source)
        rest = {k: v for k, v in theirs.items() if k.startswith(CLASSIFIER)}
        load_in_order(nn.ModuleList([self.last, self.classes]), rest, source)


class Vgg16(nn.Module):
    """The convolutions of VGG16."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        inputs = 3
        for filters, count in _VGG16:
            layers: list[nn.Module] = []
            for _ in range(count):
                layers += [nn.Conv2d(inputs, filters, 3, padding=1), nn.ReLU(inplace=True)]
                inputs = filters
            self.blocks.append(nn.Sequential(*layers))
        self.pool = nn.MaxPool2d(2)

    def forward(self, rgb: Tensor) -> list[Tensor]:
        height, width = rgb.shape[2:]
        if min(height, width) < 16:
            raise OptionError(f"pictures of {height} x {width} are too small for VGG16; give at least 16 x 16")
        x = (rgb - _column(IMAGENET_MEAN, rgb)) / _column(IMAGENET_DEVIATION, rgb)
        features = []
        for index, block in enumerate(self.blocks):
            x = block(x if index == 0 else self.pool(x))
            features.append(x)
        return features

    def take(self, theirs: dict[str, Tensor], source: str) -> None:
        convolutions = {k: v for k, v in theirs.items() if k.startswith("features.")}
        load_in_order(self.blocks, convolutions, source)


def _column(values: tuple[float, ...], like: Tensor) -> Tensor:
    return like.new_tensor(values).reshape(1, -1, 1, 1)
