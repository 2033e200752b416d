"""What runs in a sandbox: photographs looked at, colored, prepared for quick answers. See :mod:`tinct.web.sandbox`."""

from __future__ import annotations

import base64
import dataclasses
from collections import OrderedDict
from pathlib import Path
from typing import Any

from tinct.errors import OutputError, StoreFull, UnreadablePhoto
from tinct.inference.guidance import check_mask
from tinct.inference.options import ColorizeOptions, Hint, Variant
from tinct.inference.pipeline import Colorizer, Prepared
from tinct.inference.reference import SIDE, read_colors
from tinct.jobs.places import has_room, is_full
from tinct.jobs.recipe import Recipe
from tinct.media.photo import Photo, read_photo
from tinct.media.vips import reading, vips
from tinct.web.child import Tell, serve
from tinct.web.storage import NO_SPACE
from tinct.web.wishes import PREVIEW_PIXELS

THUMBNAIL = 320
"""Longest side of the copy for lists."""
QUALITY = 85
"""Of JPEGs that are only looked at."""
KEPT_MODELS, KEPT_PICTURES = 2, 8
KEPT_PIXELS = 30_000_000
"""A picture of up to so many is kept decoded while regions of it are looked at; a larger one is decoded each time."""


class Studio:
    """Models and pictures that are at hand."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, Colorizer] = OrderedDict()
        self._pictures: OrderedDict[tuple[str, str], Prepared] = OrderedDict()
        self._large: dict[tuple[str, str], Prepared] = {}
        """The one picture that is looked at in its full size."""

    def work(self, request: dict[str, Any], tell: Tell) -> dict[str, Any]:
        """Do what a request says."""
        actions = {
            "look": self._look,
            "check": self._check,
            "colorize": self._colorize,
            "take": self._take,
            "preview": self._preview,
            "region": self._region,
            "suggest": self._suggest,
            "points": self._points,
            "load": self._load,
            "strip": self._strip,
        }
        if request["do"] == "trials":
            return _make_trials(request, tell)
        return actions[request["do"]](request)

    def _look(self, request: dict[str, Any]) -> dict[str, Any]:
        """Read the header of a picture."""
        photo = _read(request)
        return {"width": photo.width, "height": photo.height}

    def _check(self, request: dict[str, Any]) -> dict[str, Any]:
        """Check a mask or reference of a picture by decoding it, as a colorizer would."""
        photo = _read(request)
        if request["kind"] == "reference":
            read_colors(photo, SIDE, SIDE)
            return {}
        check_mask(photo, request["width"], request["height"])
        with reading(photo.name):
            photo.small(SIDE, SIDE).numpy()
        return {}

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
            jpeg = _to_jpeg(result.photo.open(), request.get("quality", QUALITY))
        return {"jpeg": jpeg, "notes": list(result.notes), "model": result.model}

    def _region(self, request: dict[str, Any]) -> dict[str, Any]:
        """Cut a part out of a picture at its full size, in color or as it is."""
        colorizer, prepared = self._full(request)
        photo = prepared.photo
        notes: tuple[str, ...] = ()
        if request["colored"]:
            result = colorizer.colorize(prepared, _options(request))
            photo, notes = result.photo, result.notes
        x, y, width, height = request["box"]
        with reading(photo.name):
            part = photo.open().crop(x, y, width, height)
            if request["scale"] < 1:
                part = part.resize(request["scale"], kernel="linear")
            jpeg = _to_jpeg(part, QUALITY)
        return {"jpeg": jpeg, "notes": list(notes)}

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

    def _strip(self, request: dict[str, Any]) -> dict[str, Any]:
        """Color pictures of one size, and put them beside each other: gray above, colors below."""
        colorizer = self._model(request["model"])
        photos = [read_photo(Path(path)) for path in request["pictures"]]
        with reading("the samples"):
            gray = [photo.open().colourspace("srgb") for photo in photos]
            colored = [colorizer.colorize(photo).photo.open() for photo in photos]
            strip = vips().Image.arrayjoin([*gray, *colored], across=len(photos))
            Path(request["out"]).write_bytes(strip.jpegsave_buffer(Q=88, strip=True))
        return {}

    def _model(self, model: str) -> Colorizer:
        if model not in self._models:
            self._models[model] = Colorizer(model)
        self._models.move_to_end(model)
        while len(self._models) > KEPT_MODELS:
            gone, _ = self._models.popitem(last=False)
            for pictures in (self._pictures, self._large):
                for key in [key for key in pictures if key[0] == gone]:
                    del pictures[key]
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

    def _full(self, request: dict[str, Any]) -> tuple[Colorizer, Prepared]:
        colorizer = self._model(request["model"])
        key = (request["model"], request["path"])
        if key not in self._large:
            self._large.clear()  # first, for two may be too many
            photo = _read(request)
            kept = photo.width * photo.height <= KEPT_PIXELS
            self._large[key] = colorizer.prepare(photo.to_numpy() if kept else photo)
        return colorizer, self._large[key]


def _make_trials(request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Make the pairs of a Turing test, which takes a while."""
    from tinct.evaluation.turing_making import TuringRequest, make_trials

    wanted = TuringRequest(
        data=(Path(request["data"]),),
        out=Path(request["out"]),
        models=tuple(request["models"]),
        count=request["count"],
        catch=request["catch"],
        practice=request["practice"],
        seed=request["seed"],
        device="cpu",
    )
    make_trials(wanted, lambda what, done, total: tell({"what": what, "done": done / max(1, total)}))
    return {}


def _to_jpeg(image: Any, quality: int) -> str:
    """Return a picture as browsers show it, in base64."""
    image = image if image.format == "uchar" else (image / 257).rint().cast("uchar")
    return base64.b64encode(image.jpegsave_buffer(Q=quality, strip=True)).decode()


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
