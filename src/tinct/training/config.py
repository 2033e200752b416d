"""What a recipe may say: every setting that decides a training run, with its default and limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tinct.data.source import LEAST_CHROMA
from tinct.models.registry import ARCHITECTURES

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Factor = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]

TERMS = {
    "cross_entropy": ("bins",),
    "huber": ("ab", "rgb", "bins"),
    "mse": ("ab", "rgb", "bins"),
    "log_mse": ("ab", "rgb", "bins"),
    "ssim": ("ab", "rgb", "bins"),
    "perceptual": ("ab", "rgb", "bins"),
    "colorfulness": ("ab", "rgb", "bins"),
    "rebalanced_mse": ("ab", "bins"),
    "distillation": ("ab", "rgb", "bins"),
    "likeness": ("bins",),
}
"""Term of a loss -> the outputs that can have it (see :attr:`tinct.models.registry.ModelSpec.output`)."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True)
class Budget:
    """When a run is over: after an amount of minutes, steps or epochs."""

    amount: float
    unit: Literal["min", "steps", "epochs"]

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read ``10min``, ``2h``, ``500steps`` or ``3epochs``.

        Raises:
            ValueError: the text is none of these.
        """
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(min|h|steps?|epochs?)\s*", text)
        if match is None or float(match[1]) <= 0:
            raise ValueError(f"budget {text!r} is not understood; give for example 10min, 2h, 500steps or 3epochs")
        amount = float(match[1])
        if match[2] == "h":
            return cls(amount * 60, "min")
        if match[2] == "min":
            return cls(amount, "min")
        return cls(amount, "steps" if match[2].startswith("step") else "epochs")

    def __str__(self) -> str:
        return f"{self.amount:g}{self.unit}"


class InitConfig(_Part):
    """What of another model a run starts from; the model itself is given by `--init`."""

    required: bool = False
    """Whether the recipe makes no sense without one."""
    fresh: tuple[str, ...] = ()
    """Beginnings of the names of weights that start afresh all the same, such as `head.`."""
    keep_rebalancing: bool = False
    """Keep its rebalancing weights, which its distribution was trained with, instead of counting colors anew."""


class DataConfig(_Part):
    """Which photos, and how they are cut."""

    short_side: Count = 160
    """Photos are kept in memory with this short side, in pixels."""
    sizes: dict[Count, Positive] = {128: 1.0}
    """Side of the crops, in pixels -> how often; the first is the one that `batch` speaks of."""
    batch: Count = 32
    """Photos a step at the first size, of all processes together; batches of other sizes hold about as many pixels."""
    least_crop: Share = 0.45
    """Smallest crop, as a share of the photo's short side; 1 takes it all."""
    flip: bool = True
    """Mirror half of the crops."""
    turn: bool = False
    """Turn crops by a random multiple of 90 degrees."""
    tone: Share = 0.3
    """Share of the photos whose lightness gets another exposure, contrast, sharpness or grain."""
    degrade: Share = 0.0
    """Share of the photos whose lightness is made that of an old print: film response, fading, scratches and more."""
    hints: bool = True
    """Simulate hints, for a model that takes them."""
    without_hints: Share = 0.5
    """Share of the photos on which no hint is simulated."""
    least_chroma: Factor = LEAST_CHROMA
    """Photos with a mean chroma below this, in Lab units, are left out as nearly gray."""
    hold_back: dict[str, Count] = {}
    """Source (first part of a photo's name) -> how many of its photos are kept out of training."""

    @field_validator("sizes")
    @classmethod
    def _some_size(cls, sizes: dict[int, float]) -> dict[int, float]:
        if not sizes:
            raise ValueError("name at least one size")
        return sizes


class ReplayConfig(_Part):
    """Photos of what a model could do before, learned again beside those of a new kind, so that it stays able to."""

    share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Of the photos of all batches together; 0 replays none."""
    photos: Count = 2000
    """At most so many different ones, chosen by hash."""
    held: Count = 100
    """At most so many more are kept for validation, which has figures of their own for them."""
    anchor: Share = 0.0
    """The share of the start's own weights in those that are used, the rest being the trained ones (WiSE-FT, Wortsman
    2022, with alpha = 1 - anchor)."""
    anchor_alone: Share = 0.0
    """The same where photos are to be replayed, but there are none."""


class LossConfig(_Part):
    """The terms of the loss with their factors; a term with factor 0 is left out.

    Errors of colors are measured on ab / 110, or on RGB in 0..1 where the model gives that; of a distribution, on its
    mean without rebalancing, but `perceptual` and `colorfulness` on the colors of its mode `vivid`.
    """

    cross_entropy: Factor = 0.0
    """Of a distribution over ab bins against the soft-encoded truth, rebalanced (Zhang 2016, eq. 2)."""
    huber: Factor = 0.0
    """Squared error up to 0.1, absolute beyond."""
    mse: Factor = 0.0
    """Mean squared error."""
    log_mse: Factor = 0.0
    """Mean over the photos of the logarithm of each one's mean squared error, as PSNR has it."""
    ssim: Factor = 0.0
    """What the picture lacks to a structural similarity of 1."""
    perceptual: Factor = 0.0
    """Distance between the features of an ImageNet network."""
    colorfulness: Factor = 0.0
    """Squared difference of a batch's mean colorfulness from the true one, as a share of that."""
    rebalanced_mse: Factor = 0.0
    """Squared error of ab, weighed by how rare the true color is."""
    distillation: Factor = 0.0
    """Distance from what `teacher` gives (Hinton 2015): of the distributions, where both have one over the same bins,
    else Huber's of the colors."""
    likeness: Factor = 0.0
    """Of a model that tells which places err alike: the share of the squared error that random hints leave, spread by
    that."""
    teacher: str = "default"
    """The model of `distillation`: a name, an ONNX file or a run's folder."""
    neighbours: Count = 5
    """Bins that share the soft encoding of a color."""
    sigma: Positive = 5.0
    """Of the Gaussian that shares it, in Lab units."""
    grid: Annotated[int, Field(ge=1, le=110)] = 10
    """Distance of the bins that `rebalanced_mse` counts colors in; a model with bins has its own."""
    rebalancing: Share = 0.5
    """Share of the uniform distribution in the prior, lambda; 1 turns rebalancing off."""
    prior_sigma: Positive = 5.0
    """Of the Gaussian that smooths the prior, in Lab units."""
    features: Literal["efficientnet-lite0", "vgg16"] = "efficientnet-lite0"
    """The network of `perceptual`."""
    skipped_features: Annotated[int, Field(ge=0, le=4)] = 0
    """How many of its five feature maps, from the finest on, don't count: coarse ones see what a thing is."""
    feature_weights: Path | None = None
    """Its weights, as a file; without one those of a package, or for `vgg16` of the network."""


class AdversarialConfig(_Part):
    """A discriminator that judges patches of L and ab together (pix2pix, Isola 2017)."""

    factor: Positive = 1.0
    """Of the adversarial term in the loss of the model."""
    pixel: Positive = 100.0
    """Of all terms of `loss` together."""
    start: Share = 0.0
    """Share of the budget that is trained without the discriminator at first."""
    width: Count = 64
    """Filters of its first layer."""
    layers: Count = 3
    """Strided layers; 3 judge patches of 70 pixels."""
    rate: Positive = 2e-4
    """Of its Adam optimizer, with betas 0.5 and 0.999."""
    collapse_accuracy: Share = 0.99
    """The discriminator has won where its accuracy stays above this."""
    collapse_colorfulness: Factor = 0.1
    """The model has collapsed where its colorfulness stays below this share of the photos'."""
    collapse_steps: Count = 500
    """How long either may last before the run is stopped."""


class OptimizerConfig(_Part):
    """The optimizer, its rate over time, and what is done to gradients and weights."""

    kind: Literal["adamw", "adam"] = "adamw"
    """Weight decay is apart from the gradient in AdamW, part of it in Adam."""
    rate: Positive = 1.5e-3
    """Top learning rate."""
    encoder_rate: Factor = 3e-4
    """Of a pretrained encoder (weights named `encoder.`); 0 freezes it."""
    only: tuple[str, ...] = ()
    """Beginnings of the names of the weights that learn, such as `likeness.`; none lets all of them."""
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    """Decay of the running means of gradients and of their squares."""
    weight_decay: Factor = 0.01
    """See `kind`."""
    clip: Factor = 1.0
    """Largest norm of the gradient; 0 doesn't limit it."""
    accumulate: Count = 1
    """Parts in which a batch is worked off, for batches that don't fit into memory; their gradients are added."""
    warmup: Annotated[int, Field(ge=0)] = 200
    """Steps over which the rate rises from 0."""
    schedule: Literal["cosine", "step", "exponential", "constant"] = "cosine"
    """Then: a plateau and a cosine down to 0; a fall by `gamma` at each of `milestones`, or steadily by `gamma` over
    the whole budget; or no change."""
    decay: Share = 0.5
    """Last share of the budget, in which `cosine` falls."""
    milestones: tuple[Share, ...] = ()
    """Shares of the budget at which `step` falls."""
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1
    """See `schedule`."""
    ema: Share = 0.999
    """Decay of the running average of the weights that is kept beside them and used afterwards; 0 turns it off."""
    freeze_norms: bool = False
    """Batch normalization uses its running figures and leaves them, so that photos don't depend on their batch."""

    def top_rate(self, name: str) -> float:
        """Return the top learning rate of a weight, by its name; 0 for one that doesn't learn."""
        if self.only and not name.startswith(self.only):
            return 0.0
        return self.encoder_rate if name.startswith("encoder.") else self.rate

    @model_validator(mode="after")
    def _milestones_belong_to_steps(self) -> OptimizerConfig:
        if bool(self.milestones) != (self.schedule == "step"):
            raise ValueError("schedule step needs milestones, and the others have none")
        return self


class ValidationConfig(_Part):
    """What is measured while training."""

    photos: Count = 200
    """At most so many, chosen by hash."""
    size: Annotated[int, Field(ge=11)] = 160  # SSIM's window has 11 pixels
    """The whole photo is stretched to this square."""
    minutes: Positive = 15
    """Time between two measurements; one more is made at the end."""
    each_epoch: bool = False
    """Measure after each epoch as well."""
    at_start: bool = False
    """Measure before the first step too."""
    share: Annotated[float, Field(gt=0, lt=1)] = 0.02
    """Part of the photos set apart where they are divided here, by a hash of their names."""
    least: Count = 1
    """Set at least so many apart then, but no more than a third of the photos."""
    published: bool = True
    """Take the data's own division where it has one, such as `val.tar` or the test photos of CIFAR-10."""


class EarlyStoppingConfig(_Part):
    """When a run ends before its budget; the best weights are kept in its folder `best`."""

    figure: str
    """A figure of the validation, such as `psnr`; more is better but for `mse`."""
    patience: Count = 5
    """Measurements without a new best before the run ends."""


class TrainConfig(_Part):
    """A recipe."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    """Of the model that comes out."""
    architecture: str
    """The network, a name of `tinct.models.registry.ARCHITECTURES`."""
    options: dict[str, Any] = {}
    """Keyword arguments of the network, see its class; what is unsaid is as in the model that a run starts from."""
    imagenet: bool = False
    """Whether the encoder starts from ImageNet weights; `--init` goes before."""
    budget: str = "1epochs"
    """How long: `10min`, `2h`, `500steps` or `3epochs`; `--budget` goes before."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Of the arithmetic; auto is bf16 where the processor has it, else fp32 on CPUs and fp16 on GPUs."""
    checkpoint_minutes: Positive = 5
    """Time between two checkpoints; each epoch ends with one too, but for short ones, of which one in half a minute."""
    init: InitConfig = InitConfig()
    data: DataConfig = DataConfig()
    replay: ReplayConfig = ReplayConfig()
    loss: LossConfig = LossConfig()
    adversarial: AdversarialConfig | None = None
    optimizer: OptimizerConfig = OptimizerConfig()
    validation: ValidationConfig = ValidationConfig()
    early_stopping: EarlyStoppingConfig | None = None

    @field_validator("architecture")
    @classmethod
    def _known(cls, architecture: str) -> str:
        if architecture not in ARCHITECTURES:
            raise ValueError(f"unknown architecture {architecture!r}; choose one of {', '.join(sorted(ARCHITECTURES))}")
        return architecture

    @field_validator("budget")
    @classmethod
    def _readable(cls, budget: str) -> str:
        Budget.parse(budget)
        return budget
