"""How a batch colorizes and writes: the same for each photograph, but for what a review asks of some."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinct.errors import OptionError
from tinct.inference.options import ColorizeOptions
from tinct.inference.prior import Prior, Signature
from tinct.inference.provenance import from_settings, to_settings
from tinct.inference.result import Result
from tinct.jobs.items import TRUNCATED
from tinct.media.formats import PNG, choose_format
from tinct.media.pages import Pages
from tinct.media.photo import MAX_PIXELS, Photo
from tinct.media.sidecar import read_scan

if TYPE_CHECKING:
    from tinct.inference.pipeline import Colorizer
    from tinct.media.credentials import Signer

OVERRIDES = ("mode", "vividness", "saturation", "size")
"""What a review may ask for one photograph."""
_PLAIN = ("format", "quality", "mark", "allow_truncated", "max_pixels", "sidecar")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to colorize and write photographs.

    Raises:
        OptionError: a format that Tinct doesn't write, or that doesn't hold a layer.
    """

    options: ColorizeOptions = ColorizeOptions()  # noqa: RUF009 - frozen
    """How to colorize."""
    format: str | None = None
    """Of the results; None keeps each input's where Tinct writes that."""
    quality: int | None = None
    """1..100 for formats that lose."""
    mark: bool = True
    """Whether results say that a model colored them."""
    allow_truncated: bool = False
    """Whether what is there of a damaged file is used."""
    max_pixels: int = MAX_PIXELS
    """A photograph with more is refused."""
    pages: Pages | None = None
    """Which pages of a TIFF; None takes the first, with a note where there are others."""
    sidecar: bool = False
    """Whether XMP is read from a file beside a photograph, and written beside its result."""
    sign_with: tuple[Path, Path] | None = None
    """Certificate and key that results are signed with; None leaves them unsigned."""

    def __post_init__(self) -> None:
        if self.format is not None:
            chosen = choose_format(self.format, None, PNG)
            if self.options.layer and chosen.depth < 16:
                raise OptionError(
                    f"a layer needs 16 bits a channel, which {chosen.name} doesn't hold; choose png or tiff"
                )

    def results(self, source: str | Path | bytes, colorizer: Colorizer) -> Iterator[Result]:
        """Read and colorize the pages of a photograph, each when it is asked for; see :meth:`colorize`."""
        for photo in self._pages(source, allow_truncated=self.allow_truncated):
            result = colorizer.colorize(photo, self.options)
            if not self.mark:
                result = dataclasses.replace(result, photo=dataclasses.replace(result.photo, mark=None))
            yield result

    def colorize(self, source: str | Path | bytes, colorizer: Colorizer) -> Result:
        """Read and colorize a photograph, or the first of its pages that are asked for.

        What is computed at full size is so when the result is written.

        Args:
            source: path or bytes.
            colorizer: to do it with.

        Raises:
            TinctError: it can't be read, or the options don't fit it.
        """
        return next(self.results(source, colorizer))

    def look(self, source: Path, colorizer: Colorizer) -> Signature:
        """Return which colors a photograph would get, without writing it.

        Raises:
            TinctError: it can't be read.
        """
        photo = self.read(source, allow_truncated=self.allow_truncated)
        prepared = colorizer.prepare(photo).restored(self.options.restore)
        return Signature.of_cells(*prepared.cells(self.options))

    def read(self, source: Path, *, allow_truncated: bool = True) -> Photo:
        """Read a photograph as it is, or the first of its pages that are asked for.

        Raises:
            PhotoError: it can't be read.
        """
        return next(self._pages(source, allow_truncated=allow_truncated))

    def signer(self) -> Signer | None:
        """Return what signs results; None where nothing does.

        Raises:
            MissingExtra: the library for it isn't installed.
            OptionError: the certificate or its key can't be used.
        """
        if self.sign_with is None:
            return None
        from tinct.media.credentials import load_signer

        return load_signer(*self.sign_with)

    def _pages(self, source: str | Path | bytes, *, allow_truncated: bool) -> Iterator[Photo]:
        return read_scan(
            source,
            self.pages,
            sidecar=self.sidecar,
            max_pixels=self.max_pixels,
            allow_truncated=allow_truncated,
        )

    def for_one(self, override: str | None) -> Recipe:
        """Return the recipe with what a review asks for one photograph, as JSON.

        Raises:
            OptionError: a value is out of range, or none that may be changed.
        """
        if override is None:
            return self
        changes: dict[str, Any] = json.loads(override)
        unknown = sorted(changes.keys() - set(OVERRIDES))
        if unknown:
            raise OptionError(f"{', '.join(unknown)} can't be set for one photograph; {', '.join(OVERRIDES)} can")
        if "mode" in changes:
            changes.setdefault("vividness", None)  # that of the batch would go before the mode
        return dataclasses.replace(self, options=dataclasses.replace(self.options, **changes))

    def for_series(self, prior: str | None) -> Recipe:
        """Return the recipe with the colors of a photograph's series, as JSON."""
        if prior is None:
            return self
        return dataclasses.replace(self, options=dataclasses.replace(self.options, prior=Prior.from_json(prior)))

    def to_json(self) -> str:
        """Return the recipe as JSON, for :meth:`from_json`; one without mask and hints, as a batch's is."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        more = {
            "pages": None if self.pages is None else str(self.pages),
            "sign_with": None if self.sign_with is None else [str(path.resolve()) for path in self.sign_with],
        }
        return json.dumps({"options": to_settings(self.options)} | plain | more, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read what :meth:`to_json` gave.

        Raises:
            OptionError: options that this version doesn't know.
        """
        found = json.loads(text)
        pages, paths = found.get("pages"), found.get("sign_with")
        return cls(
            options=from_settings(found["options"]),
            pages=None if pages is None else Pages.parse(pages),
            sign_with=None if paths is None else (Path(paths[0]), Path(paths[1])),
            **{name: found[name] for name in _PLAIN if name in found},
        )

    def settings(self, model_hash: str) -> str:
        """Return all that a whole photograph's result depends on beside its source, as JSON.

        Args:
            model_hash: SHA-256 of the model, in hex.
        """
        found: dict[str, Any] = {
            "options": to_settings(self.options),
            "model": model_hash,
            "format": self.format,
            "quality": self.quality,
            "mark": self.mark,
        }
        if self.pages is not None:
            found["pages"] = str(self.pages)
        if self.sidecar:
            found["sidecar"] = True
        if self.sign_with is not None:
            found["signer"] = hashlib.sha256(self.sign_with[0].read_bytes()).hexdigest()
        return json.dumps(found, sort_keys=True)

    def fingerprint(self, model_hash: str) -> str:
        """Return a hash of :meth:`settings`."""
        return hashlib.sha256(self.settings(model_hash).encode()).hexdigest()

    def wanted(self, model_hash: str) -> str:
        """Return the :meth:`fingerprint`, with a word after it where damaged photographs may be taken."""
        return self.fingerprint(model_hash) + (TRUNCATED if self.allow_truncated else "")
