"""Recipes: found by name or file, put together with what they extend and what was asked for, and checked as a whole."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import torch
import yaml
from pydantic import BaseModel, ValidationError
from torch import nn

from tinct.color.gamut import ab_bins
from tinct.errors import ConfigError, TinctError
from tinct.models.registry import ARCHITECTURES, ModelSpec, create_model
from tinct.training.config import TERMS, AdversarialConfig, DataConfig, LossConfig, OptimizerConfig, TrainConfig
from tinct.training.validation import figure_names

LITE = "efficientnet-lite0"
FILES = (".yaml", ".yml")
BROKEN = (ArithmeticError, LookupError, RuntimeError, ValueError)
"""What a network raises that can't be built, or run, as it is asked for."""
EXTENDS, PRESETS, ADAPTATION = "extends", "presets", "adaptation"
"""Keys of a recipe's file beside its settings: the recipe it starts from, named groups of other settings, and those
that hold where a model is adapted, see :mod:`tinct.training.adaptation`."""


def list_recipes() -> list[str]:
    """Return the names of the recipes inside the package."""
    return sorted(p.name.removesuffix(".yaml") for p in _recipes().iterdir() if p.name.endswith(".yaml"))


def list_presets(recipe: str) -> list[str]:
    """Return the names of a recipe's presets.

    Raises:
        ConfigError: there is no such recipe, or it can't be read.
    """
    return sorted(_read(recipe, ()).presets)


def can_adapt(recipe: str) -> bool:
    """Tell whether a recipe says how to adapt a model to a few pictures.

    Raises:
        ConfigError: there is no such recipe, or it can't be read.
    """
    return bool(_read(recipe, ()).adaptation)


def _recipes() -> resources.abc.Traversable:
    return resources.files("tinct") / "recipes"


def load_config(
    recipe: str,
    budget: str | None = None,
    *,
    adapt: bool = False,
    presets: Sequence[str] = (),
    settings: Sequence[str] = (),
) -> TrainConfig:
    """Read a recipe.

    Args:
        recipe: its name in the package, or a YAML file.
        budget: replaces the recipe's.
        adapt: whether the settings of its section ``adaptation`` replace its own.
        presets: names of presets of the recipe, whose settings replace both; later ones go before.
        settings: single settings that replace those of all, as ``optimizer.rate=1e-4``.

    Raises:
        ConfigError: there is none of that name, or it has faults; all of them are listed.
    """
    file = _read(recipe, ())
    raw, there = file.settings, file.presets
    if adapt:
        raw = _merged(raw, file.adaptation)
    faults = []
    for preset in presets:
        if preset in there:
            raw = _merged(raw, there[preset])
        else:
            choices = f"choose one of {', '.join(sorted(there))}" if there else "this recipe has none"
            faults.append(f"no preset {preset!r}; {choices}")
    for text in settings:
        try:
            raw = _merged(raw, _setting(text))
        except ValueError as error:
            faults.append(str(error))
    if budget is not None:
        raw["budget"] = budget
    try:
        config = TrainConfig(**raw)
    except ValidationError as error:
        faults += [_described(dict(fault)) for fault in error.errors()]
    except TypeError as error:  # a key that is no text
        faults.append(str(error))
    faults += _network_faults(raw)
    if faults:
        raise ConfigError(recipe, faults)
    return config


@dataclass(frozen=True, slots=True)
class _File:
    """What a recipe's file says, with what it extends."""

    settings: dict[str, Any]
    presets: dict[str, dict[str, Any]]
    adaptation: dict[str, Any]


def _read(recipe: str, through: tuple[str, ...]) -> _File:
    if recipe in list_recipes():
        text = (_recipes() / f"{recipe}.yaml").read_text("utf-8")
    elif recipe.endswith(FILES) and Path(recipe).is_file():
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
    presets = raw.pop(PRESETS, {})
    if not isinstance(presets, dict) or not all(isinstance(preset, dict) for preset in presets.values()):
        raise ConfigError(recipe, [f"{PRESETS}: expected names, each with a mapping of settings"])
    adaptation = raw.pop(ADAPTATION, {})
    if not isinstance(adaptation, dict):
        raise ConfigError(recipe, [f"{ADAPTATION}: expected a mapping of settings"])
    base = raw.pop(EXTENDS, None)
    if base is None:
        return _File(raw, presets, adaptation)
    base = str(base)
    if base.endswith(FILES):
        base = os.path.normpath(Path(recipe).parent / base)
    if base in (recipe, *through):
        raise ConfigError(recipe, [f"{EXTENDS}: {base} leads back to itself"])
    below = _read(base, (*through, recipe))
    return _File(_merged(below.settings, raw), below.presets | presets, _merged(below.adaptation, adaptation))


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of both, section by section; the second go before."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = {**below, **value} if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _setting(text: str) -> dict[str, Any]:
    place, found, written = text.partition("=")
    keys = place.strip().split(".")
    if not found or not all(keys) or len(keys) > 2:
        raise ValueError(f"{text}: expected KEY=VALUE or SECTION.KEY=VALUE, such as optimizer.rate=1e-4")
    try:
        value = yaml.safe_load(written)
    except yaml.YAMLError as error:
        raise ValueError(f"{text}: the value is no valid YAML") from error
    if isinstance(value, str):
        # YAML takes 1e-4, without a point, for text.
        with suppress(ValueError):
            value = float(value)
    return {keys[0]: value} if len(keys) == 1 else {keys[0]: {keys[1]: value}}


def _described(fault: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in fault["loc"])
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        names = _names(fault["loc"][:-1])
        near = difflib.get_close_matches(str(fault["loc"][-1]), names, 1)
        message = (
            f"no such setting; did you mean {near[0]}?" if near else f"no such setting; there are {', '.join(names)}"
        )
    return f"{place}: {message}" if place else message


def _names(section: Sequence[Any]) -> list[str]:
    model: type[BaseModel] = TrainConfig
    for key in section:
        kinds = (model.model_fields[key].annotation, *getattr(model.model_fields[key].annotation, "__args__", ()))
        model = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return list(model.model_fields)


def _network_faults(raw: Mapping[str, Any]) -> list[str]:
    """Return what of a recipe doesn't fit the network; what is malformed is the schema's to say."""
    options = raw.get("options", {})
    if str(raw.get("architecture")) not in ARCHITECTURES or not isinstance(options, dict):
        return []
    try:
        # Without memory for the weights, which are not needed here.
        with torch.device("meta"):
            network = create_model(raw["architecture"], **options)
            spec: ModelSpec = network.make_spec("checked")  # type: ignore[operator]
    except (*BROKEN, TypeError, TinctError) as error:
        return [f"options: {str(error).partition('__init__() ')[2] or error}"]
    names = [name for name, _ in network.named_parameters()]
    return [
        *_start_faults(raw, network),
        *_loss_faults(raw, spec),
        *_bin_faults(raw, spec),
        *_only_faults(raw, names),
        *_size_faults(raw, spec),
        *_stopping_faults(raw, spec),
    ]


def _section(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = raw.get(name)
    return section if isinstance(section, dict) else {}


def _start_faults(raw: Mapping[str, Any], network: nn.Module) -> list[str]:
    if raw.get("imagenet") is not True or hasattr(getattr(network, "encoder", None), "load_imagenet"):
        return []
    return [f"imagenet: {raw['architecture']} has no encoder that could start from ImageNet weights"]


def _loss_faults(raw: Mapping[str, Any], spec: ModelSpec) -> list[str]:
    terms = [term for term in TERMS if _section(raw, "loss").get(term, 0) != 0]
    if not terms:
        return [f"loss: no term has a factor, so there is nothing to learn; set one of {', '.join(TERMS)}"]
    fitting = ", ".join(term for term in TERMS if spec.output in TERMS[term])
    faults = [
        f"loss.{term}: a model that gives {spec.output} can't have it; choose of {fitting}"
        for term in terms
        if spec.output not in TERMS[term]
    ]
    if "likeness" in terms and spec.output == "bins" and not spec.likeness:
        faults.append(
            "loss.likeness: the network doesn't tell which places err alike; set options.likeness, as tinct has"
        )
    return faults


def _bin_faults(raw: Mapping[str, Any], spec: ModelSpec) -> list[str]:
    try:
        loss = LossConfig(**_section(raw, "loss"))
    except ValidationError:
        return []
    if spec.output == "bins":
        count = len(spec.bins)
    elif loss.rebalanced_mse > 0:
        count = len(ab_bins(loss.grid))
    else:
        return []
    if loss.neighbours <= count:
        return []
    return [f"loss.neighbours: {loss.neighbours} are to share a color, but there are only {count} bins"]


def _only_faults(raw: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    try:
        optimizer = OptimizerConfig(**_section(raw, "optimizer"))
    except ValidationError:
        return []
    faults = [
        f"optimizer.only: no weight's name begins with {beginning!r}; {names[0]!r} is one of them"
        for beginning in optimizer.only
        if not any(name.startswith(beginning) for name in names)
    ]
    if not faults and not any(optimizer.top_rate(name) > 0 for name in names):
        faults.append("optimizer: no weight learns; set encoder_rate above 0, or let only name others")
    return faults


def _size_faults(raw: Mapping[str, Any], spec: ModelSpec) -> list[str]:
    sizes = _section(raw, "data").get("sizes", DataConfig().sizes)
    sides = {f"data.sizes.{side}": side for side in (sizes if isinstance(sizes, dict) else {})}
    multiple, why = spec.multiple, str(raw["architecture"])
    loss = _section(raw, "loss")
    if loss.get("perceptual", 0) != 0 and loss.get("features", LITE) == LITE:
        multiple, why = math.lcm(multiple, 32), f"{why} with the features of {LITE}"
    faults = (
        [] if isinstance(spec.size, int) and spec.size > 0 else [f"options.size: {spec.size!r} is no side in pixels"]
    )
    faults += [
        f"{place}: {why} needs a multiple of {multiple}"
        for place, side in sides.items()
        if isinstance(side, int) and side % multiple
    ]
    layers = _section(raw, "adversarial").get("layers", AdversarialConfig().layers)
    if raw.get("adversarial") is not None and isinstance(layers, int):
        # The discriminator halves them once a layer, down to four pixels.
        faults += [
            f"{place}: too small for a discriminator of {layers} layers; take larger crops, or fewer adversarial.layers"
            for place, side in sides.items()
            if isinstance(side, int) and layers >= (side // 4).bit_length()
        ]
    size = _section(raw, "validation").get("size")
    if isinstance(size, int) and size % spec.multiple:
        faults.append(f"validation.size: {raw['architecture']} needs a multiple of {spec.multiple}")
    return faults


def _stopping_faults(raw: Mapping[str, Any], spec: ModelSpec) -> list[str]:
    figure = _section(raw, "early_stopping").get("figure")
    if figure is None or figure in figure_names(spec):
        return []
    return [f"early_stopping.figure: there is no {figure}; choose one of {', '.join(figure_names(spec))}"]
