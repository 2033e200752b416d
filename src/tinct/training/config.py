"""Recipes: everything that decides a training run, read from YAML and checked as a whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from tinct.errors import ConfigError
from tinct.models.registry import ARCHITECTURES

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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


class DataConfig(_Part):
    """Which photos, and how they are cut."""

    short_side: Count = 160
    """Photos are kept in memory with this short side, in pixels."""
    sizes: dict[Count, Positive] = {128: 1.0}
    """Side of the crops -> how often; the first is the one that ``batch`` speaks of."""
    batch: Count = 32
    """Photos a step at the first size; batches of other sizes hold about as many pixels."""
    least_crop: Share = 0.45
    flip: bool = True
    turn: bool = False
    tone: Share = 0.3
    hints: bool = True
    without_hints: Share = 0.5
    """Share of the photos on which no hint is simulated."""
    hold_back: dict[str, Count] = {}
    """Source (first part of a photo's name) -> how many of its photos are kept out of training."""

    @field_validator("sizes")
    @classmethod
    def _some_size(cls, sizes: dict[int, float]) -> dict[int, float]:
        if not sizes:
            raise ValueError("name at least one size")
        return sizes


class LossConfig(_Part):
    """Loss of a model that gives a distribution over ab bins."""

    cross_entropy: Annotated[float, Field(ge=0)] = 0.5
    huber: Annotated[float, Field(ge=0)] = 15.0
    neighbours: Count = 5
    sigma: Positive = 5.0
    rebalancing: Share = 0.5
    """Share of the uniform distribution in the prior; 1 turns rebalancing off."""
    prior_sigma: Positive = 5.0


class OptimizerConfig(_Part):
    """AdamW with a warm-up, a plateau and a cosine down to zero."""

    rate: Positive = 1.5e-3
    encoder_rate: Annotated[float, Field(ge=0)] = 3e-4
    """Of the pretrained encoder; 0 freezes it."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    clip: Positive = 1.0
    """Largest norm of the gradient."""
    warmup: Annotated[int, Field(ge=0)] = 200
    """Steps."""
    decay: Share = 0.5
    """Last share of the budget, in which the rate falls."""
    ema: Share = 0.999
    """Decay of the running average of the weights that is kept beside them; 0 turns it off."""


class ValidationConfig(_Part):
    """What is measured while training."""

    photos: Count = 200
    size: Count = 160
    """The whole photo is stretched to this square."""
    minutes: Positive = 15
    """Time between two measurements; one more is made at the end."""
    share: Share = 0.02
    """Part of the training photos set apart where the data has no ``val.tar``."""


class TrainConfig(_Part):
    """A recipe."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    architecture: str
    options: dict[str, Any] = {}
    imagenet: bool = False
    """Whether the encoder starts from ImageNet weights."""
    budget: str = "1epochs"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    checkpoint_minutes: Positive = 5
    data: DataConfig = DataConfig()
    loss: LossConfig = LossConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    validation: ValidationConfig = ValidationConfig()

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

    @model_validator(mode="after")
    def _something_to_learn(self) -> TrainConfig:
        if self.loss.cross_entropy == 0 and self.loss.huber == 0:
            raise ValueError("loss: cross_entropy and huber are both 0, so there is nothing to learn")
        return self


def list_recipes() -> list[str]:
    """Return the names of the recipes inside the package."""
    return sorted(p.name.removesuffix(".yaml") for p in _recipes().iterdir() if p.name.endswith(".yaml"))


def _recipes() -> resources.abc.Traversable:
    return resources.files("tinct") / "recipes"


def load_config(recipe: str, budget: str | None = None) -> TrainConfig:
    """Read a recipe.

    Args:
        recipe: its name in the package, or a YAML file.
        budget: replaces the recipe's.

    Raises:
        ConfigError: there is none of that name, or it has faults; all of them are listed.
    """
    if recipe in list_recipes():
        text = (_recipes() / f"{recipe}.yaml").read_text("utf-8")
    elif recipe.endswith((".yaml", ".yml")) and Path(recipe).is_file():
        text = Path(recipe).read_text("utf-8")
    else:
        choices = ", ".join(list_recipes())
        raise ConfigError(recipe, [f"no such recipe; choose one of {choices}, or give a YAML file"])
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(recipe, [f"no valid YAML: {error}"]) from error
    if not isinstance(raw, dict):
        raise ConfigError(recipe, ["expected a mapping of settings"])
    if budget is not None:
        raw["budget"] = budget
    try:
        return TrainConfig(**raw)
    except ValidationError as error:
        faults = []
        for fault in error.errors():
            place = ".".join(str(part) for part in fault["loc"])
            faults.append(f"{place}: {fault['msg']}" if place else fault["msg"])
        raise ConfigError(recipe, faults) from error
    except TypeError as error:  # a key that is no text
        raise ConfigError(recipe, [str(error)]) from error
