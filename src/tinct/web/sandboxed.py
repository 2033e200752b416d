"""What runs in a sandbox: photographs looked at, colored, prepared for quick answers. See :mod:`tinct.web.sandbox`."""

from __future__ import annotations

import base64
import dataclasses
from collections import OrderedDict
from pathlib import Path
from typing import Any

from tinct.errors import OutputError, StoreFull, UnreadablePhoto
from tinct.inference.options import ColorizeOptions, Hint, Variant
from tinct.inference.pipeline import Colorizer, Prepared
from tinct.jobs.places import has_room, is_full
from tinct.jobs.recipe import Recipe
from tinct.media.photo import Photo, read_photo
from tinct.media.vips import reading, vips
from tinct.web.child import Tell, serve
from tinct.web.storage import NO_SPACE
from tinct.web.wishes import PREVIEW_PIXELS

THUMBNAIL = 320
"""Longest side of the copy for lists."""
KEPT_MODELS, KEPT_PICTURES = 2, 8


class Studio:
    """Models and pictures that are at hand."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, Colorizer] = OrderedDict()
        self._pictures: OrderedDict[tuple[str, str], Prepared] = OrderedDict()

    def work(self, request: dict[str, Any], tell: Tell) -> dict[str, Any]:
        """Do what a request says."""
        actions = {
            "look": self._look,
            "colorize": self._colorize,
            "take": self._take,
            "preview": self._preview,
            "suggest": self._suggest,
            "points": self._points,
            "load": self._load,
        }
        return actions[request["do"]](request)

    def _look(self, request: dict[str, Any]) -> dict[str, Any]:
        """Read the header of a picture."""
        photo = _read(request)
        return {"width": photo.width, "height": photo.height}

    def _take(self, request: dict[str, Any]) -> dict[str, Any]:
        """Check an uploaded picture by decoding it, and make its copies for lists and for quick answers."""
        photo = _read(request)
        scale = min(1.0, (PREVIEW_PIXELS / (photo.width * photo.height)) ** 0.5)
        sizes = {"preview": (photo.height * scale, photo.width * scale), "thumbnail": (THUMBNAIL, THUMBNAIL)}
        with reading(photo.name):
            for name, (height, width) in sizes.items():
                small = photo.small(max(1, round(height)), max(1, round(width)))
                # In memory first, so that a full disk isn't taken for a broken picture.
                data = small.jpegsave_buffer(Q=92 if name == "preview" else 80, strip=True)
                Path(request[name]).write_bytes(data)
        source = photo.source.format
        return {
            "width": photo.width,
            "height": photo.height,
            "depth": photo.depth,
            "format": None if source is None else source.name,
            "tone": photo.tone,
            "notes": list(photo.notes),
        }

    def _colorize(self, request: dict[str, Any]) -> dict[str, Any]:
        """Colorize a picture into a file, as the command does."""
        colorizer = self._model(request["model"])
        recipe = Recipe(
            options=_options(request),
            format=request["format"],
            quality=request["quality"],
            mark=request["mark"],
            allow_truncated=request["allow_truncated"],
            max_pixels=request["max_pixels"],
        )
        result = recipe.colorize(Path(request["path"]), colorizer)
        form = recipe.format or ("png" if recipe.options.layer else result.photo.output_format.name)
        out = Path(request["out"])
        try:
            result.photo.save(out, format=form, quality=recipe.quality, overwrite=True)
        except OutputError as error:
            if is_full(error) or not has_room(out.parent):
                raise StoreFull(NO_SPACE) from error
            raise
        return {
            "format": "jpeg" if form == "jpg" else "tiff" if form == "tif" else form,
            "width": result.photo.width,
            "height": result.photo.height,
            "notes": list(result.notes),
            "model": result.model,
        }

    def _preview(self, request: dict[str, Any]) -> dict[str, Any]:
        """Color a prepared picture, quickly."""
        colorizer, prepared = self._prepared(request)
        result = colorizer.colorize(prepared, _options(request))
        with reading(prepared.photo.name):
            image = result.photo.open()
            image = image if image.format == "uchar" else (image / 257).rint().cast("uchar")
            data = image.jpegsave_buffer(Q=85, strip=True)
        return {"jpeg": base64.b64encode(data).decode(), "notes": list(result.notes), "model": result.model}

    def _suggest(self, request: dict[str, Any]) -> dict[str, Any]:
        """Say which colors are plausible at a place."""
        colorizer, prepared = self._prepared(request)
        found = colorizer.suggest_colors(prepared, request["x"], request["y"], request["count"])
        return {"colors": [dataclasses.asdict(swatch) for swatch in found]}

    def _points(self, request: dict[str, Any]) -> dict[str, Any]:
        """Say where a hint would help most, and how sure the model is of each cell."""
        colorizer, prepared = self._prepared(request)
        options = _options(request)
        found = colorizer.suggest_points(prepared, request["count"], options)
        confidence = colorizer.colorize(prepared, options).confidence()
        height, width = prepared.photo.height, prepared.photo.width
        return {
            "points": [
                {"x": f"{(point.x + 0.5) / width:.2%}", "y": f"{(point.y + 0.5) / height:.2%}", "score": point.score}
                for point in found
            ],
            "confidence": [[round(float(value), 3) for value in row] for row in confidence],
        }

    def _load(self, request: dict[str, Any]) -> dict[str, Any]:
        """Load a model, and say what it is."""
        self._models.pop(request["model"], None)
        spec = self._model(request["model"]).spec
        return {
            "name": spec.name,
            "architecture": spec.architecture,
            "parameters": spec.parameters,
            "output": spec.output,
            "size": spec.size,
            "takes_hints": spec.takes_hints,
            "modes": dict(spec.modes),
        }

    def _model(self, model: str) -> Colorizer:
        if model not in self._models:
            self._models[model] = Colorizer(model)
        self._models.move_to_end(model)
        while len(self._models) > KEPT_MODELS:
            gone, _ = self._models.popitem(last=False)
            for key in [key for key in self._pictures if key[0] == gone]:
                del self._pictures[key]
        return self._models[model]

    def _prepared(self, request: dict[str, Any]) -> tuple[Colorizer, Prepared]:
        colorizer = self._model(request["model"])
        key = (request["model"], request["path"])
        if key not in self._pictures:
            pixels = read_photo(request["path"], max_pixels=request["max_pixels"]).to_numpy()
            self._pictures[key] = colorizer.prepare(pixels)
        self._pictures.move_to_end(key)
        while len(self._pictures) > KEPT_PICTURES:
            self._pictures.popitem(last=False)
        return colorizer, self._pictures[key]


def _read(request: dict[str, Any]) -> Photo:
    photo = read_photo(
        Path(request["path"]), max_pixels=request["max_pixels"], allow_truncated=request["allow_truncated"]
    )
    if photo.width < 1 or photo.height < 1:
        raise UnreadablePhoto(f"{photo.name} has no pixels")
    return photo


def _options(request: dict[str, Any]) -> ColorizeOptions:
    given = dict(request["options"])
    hints = tuple(Hint(**hint) for hint in given.pop("hints", ()))
    variant = given.pop("variant", None)
    if variant is not None:
        given["variant"] = Variant(**variant)
    return ColorizeOptions(**given, hints=hints)


def main() -> None:
    """Be the process."""
    # Nothing is decoded twice, and memory belongs to the picture at hand.
    vips().cache_set_max(0)
    serve(Studio().work)


if __name__ == "__main__":
    main()
