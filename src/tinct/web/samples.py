"""Strips of sample photographs, gray above and in a model's colors below: how a model colors, at a glance."""

from __future__ import annotations

from pathlib import Path

from tinct.db.tables import Model
from tinct.web.context import Context
from tinct.web.sandbox import Sandboxes
from tinct.weights import store

FOLDER = Path(__file__).parent / "samples"
SECONDS = 120


def make_strip(context: Context, sandboxes: Sandboxes, user_id: str, name: str) -> Path:
    """Return the JPEG of a model's strip, made where it isn't there yet.

    Raises:
        UnknownModel: there is no such model.
        NotFound: its file was deleted.
    """
    found = context.find_model(user_id, name)
    with context.model_path(user_id, name) as model:
        digest = found.sha256 if isinstance(found, Model) else store.digest(store.resolve(found))
        strip = context.folder("samples") / f"{digest}.jpg"
        if not strip.exists():
            with context.storage.staging() as folder:
                out = folder / "strip.jpg"
                request = {
                    "do": "strip",
                    "model": model,
                    "names": {model: name},
                    "pictures": [str(path) for path in sorted(FOLDER.glob("*.jpg"))],
                    "out": str(out),
                }
                sandboxes.ask(request, SECONDS)
                out.replace(strip)
    return strip
