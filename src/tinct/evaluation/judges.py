"""The networks that judge pictures, as far as they are at hand, and why the others aren't."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tinct.color.figures import Pixels
from tinct.errors import TinctError
from tinct.evaluation.catalog import FIGURES, LITE0, SEEN
from tinct.evaluation.protocol import Original
from tinct.evaluation.request import Request
from tinct.evaluation.store import Measured

if TYPE_CHECKING:
    from tinct.evaluation.features import Lite
    from tinct.evaluation.standard import Inception, Lpips

_NO_WEIGHTS = "its weights aren't part of Tinct; give a file of them with {}"


class Judges:
    """Adds what networks see to what was measured; several threads may share it.

    Args:
        groups: of :attr:`tinct.evaluation.catalog.Figure.group` that are asked for.
        request: tells where weights are.

    Raises:
        TinctError: weights that were given can't be used.
    """

    def __init__(self, groups: Collection[str], request: Request) -> None:
        self.reasons: dict[str, str] = {}
        """Figure -> why it isn't available."""
        self._lite0: Lite | None = None
        self._inception: Inception | None = None
        self._lpips: Lpips | None = None
        if "features" in groups:
            try:
                from tinct.evaluation.features import Lite

                self._lite0 = Lite()
            except TinctError as error:
                self.reasons |= {figure.key: str(error) for figure in FIGURES if figure.group == "features"}
        if "fid" in groups:
            if request.fid_weights is None:
                self.reasons["fid"] = _NO_WEIGHTS.format("--fid-weights")
            else:
                from tinct.evaluation.standard import Inception

                self._inception = Inception(request.fid_weights)
        if "lpips" in groups:
            if request.lpips_weights is None:
                self.reasons["lpips"] = _NO_WEIGHTS.format("--lpips-weights")
            else:
                from tinct.evaluation.standard import Lpips

                self._lpips = Lpips(request.lpips_weights)

    @property
    def identity(self) -> str:
        """What decides what they say."""
        parts = {LITE0: self._lite0 and "imagenet", "fid": self._inception, "lpips": self._lpips}
        return " ".join(f"{name}={getattr(part, 'sha256', part)}" for name, part in parts.items() if part)

    def look(
        self, original: Original, pictures: Mapping[str, Pixels], found: Mapping[str, Measured]
    ) -> dict[str, Measured]:
        """Add to what was measured of some results of a photograph.

        Args:
            original: the photograph.
            pictures: hash of the pixels -> picture.
            found: what was measured, by the same hashes.
        """
        if not pictures:
            return {}
        changes: dict[str, dict[str, object]] = {key: {} for key in pictures}
        if self._lite0 is not None:
            features, classes = self._lite0.look(list(pictures.values()))
            for index, key in enumerate(pictures):
                seen = float(classes[index])
                changes[key] |= {"features": features[index], "figures": found[key].figures | {SEEN: seen}}
        if self._inception is not None:
            for key, vector in zip(pictures, self._inception.look(list(pictures.values())), strict=True):
                changes[key]["inception"] = vector
        if self._lpips is not None:
            for key, distance in zip(pictures, self._lpips.compare(original.rgb, list(pictures.values())), strict=True):
                figures = changes[key].get("figures", found[key].figures)
                assert isinstance(figures, dict)
                changes[key]["figures"] = figures | {"lpips": distance}
        return {key: dataclasses.replace(found[key], **change) for key, change in changes.items()}  # type: ignore[arg-type]

    @contextmanager
    def threads(self, jobs: int) -> Iterator[None]:
        """Share the processors out between ``jobs`` photographs that are looked at at once."""
        if not (self._lite0 or self._inception or self._lpips):
            yield
            return
        from tinct.evaluation.features import torch_threads

        with torch_threads(max(1, (os.cpu_count() or 1) // jobs)):
            yield
