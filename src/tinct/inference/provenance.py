"""The settings that a result's mark holds: from options to JSON and back, so that a result can be made again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from tinct.errors import OptionError
from tinct.inference.options import ColorizeOptions, Hint, Variant
from tinct.inference.prior import Prior

PLAIN = ("mode", "vividness", "saturation", "size", "layer", "value_shift")
"""Options that JSON holds as they are; only what differs from the default is written."""
_OTHERS = ("hints", "mask", "page", "prior", "reference", "restore", "sidecar", "truncated", "variant")
_DEFAULTS = ColorizeOptions()


def to_settings(
    options: ColorizeOptions,
    *,
    mask_hash: str | None = None,
    reference_hash: str | None = None,
    truncated: bool = False,
    page: int = 1,
    sidecar_hash: str | None = None,
) -> dict[str, Any]:
    """Return the options that shaped the colors as JSON holds them; no path of this computer.

    Args:
        options: how it was colorized.
        mask_hash: SHA-256 of the mask's file, in hex; None without one.
        reference_hash: likewise of the reference's.
        truncated: whether the source was damaged, and what is there of it taken.
        page: which page of the source it was.
        sidecar_hash: SHA-256 of the sidecar whose XMP was taken over, in hex; None without one.
    """
    settings = {name: value for name in PLAIN if (value := getattr(options, name)) != getattr(_DEFAULTS, name)}
    if options.hints:
        settings["hints"] = [dataclasses.asdict(hint) for hint in options.hints]
    if mask_hash is not None:
        settings["mask"] = mask_hash
    if reference_hash is not None:
        settings["reference"] = reference_hash
    if options.variant is not None:
        settings["variant"] = dataclasses.asdict(options.variant)
    if options.prior is not None:
        settings["prior"] = json.loads(options.prior.to_json())
    if options.restore:
        settings["restore"] = list(options.restore)
    if truncated:
        settings["truncated"] = True
    if page != 1:
        settings["page"] = page
    if sidecar_hash is not None:
        settings["sidecar"] = sidecar_hash
    return settings


def from_settings(settings: Mapping[str, Any], *, mask: Any = None, reference: Any = None) -> ColorizeOptions:
    """Return the options that :func:`to_settings` was given.

    Args:
        settings: as a mark holds them.
        mask: what ``ColorizeOptions.mask`` takes; needed where the settings name one.
        reference: likewise.

    Raises:
        OptionError: a setting that this version doesn't know, or a value out of range.
    """
    unknown = sorted(settings.keys() - {*PLAIN, *_OTHERS})
    if unknown:
        raise OptionError(f"this version of Tinct doesn't know the setting {', '.join(unknown)}; install a newer one")
    try:
        hints = tuple(Hint(**hint) for hint in settings.get("hints", ()))
        prior = Prior.from_json(json.dumps(settings["prior"])) if "prior" in settings else None
        plain = {name: settings[name] for name in PLAIN if name in settings}
        variant = Variant(**settings["variant"]) if "variant" in settings else None
        return ColorizeOptions(
            **plain,
            hints=hints,
            mask=mask,
            prior=prior,
            variant=variant,
            reference=reference,
            restore=tuple(settings.get("restore", ())),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OptionError(f"the settings can't be read ({error})") from error
