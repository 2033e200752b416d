"""The colors that the photographs of one series share: found from all of them, or from a reference picture."""

from __future__ import annotations

import threading
from pathlib import Path

from tinct.errors import StoreError
from tinct.inference.prior import Prior, Signature
from tinct.jobs.engines import Engine
from tinct.jobs.items import SELECT, item_of
from tinct.jobs.manifest import Manifest
from tinct.jobs.worker import Look, Setup


def find_priors(
    manifest: Manifest,
    number: int,
    setup: Setup,
    engine: Engine,
    *,
    consistent: bool,
    reference: Path | None,
) -> None:
    """Note the shared colors of each series, a folder of the sources; none where none are asked for.

    They depend on the photographs alone, not on their order: a run that was interrupted finds the same.

    Args:
        manifest: the list, with the sources of scan ``number``.
        number: of the scan.
        setup: how photographs are colorized.
        engine: looks at those that haven't been looked at.
        consistent: whether the photographs of a folder share their colors.
        reference: a color picture whose colors all share, in place of that.

    Raises:
        PhotoError: the reference can't be read.
        StoreError: a place can't be used.
        KeyboardInterrupt: Ctrl-C, with what was under way finished.
    """
    if reference is not None:
        shared = Prior.of_picture(reference).to_json()
        manifest.execute(
            "INSERT OR REPLACE INTO series SELECT DISTINCT series, ? FROM files WHERE scan = ?", (shared, number)
        )
        return
    if not consistent:
        manifest.execute("DELETE FROM series")
        return
    _look_at_all(manifest, number, setup, engine)
    names = manifest.query("SELECT DISTINCT series FROM files WHERE scan = ?", (number,))
    with manifest.transaction():
        manifest.execute("DELETE FROM series")
        for row in names:
            found = manifest.query(
                "SELECT content FROM files JOIN signatures USING (id)"
                " WHERE series = ? AND scan = ? AND content <> '' ORDER BY source",
                (row["series"], number),
            )
            if len(found) > 1:
                prior = Prior.of_series([Signature.from_json(entry["content"]) for entry in found])
                manifest.execute("INSERT INTO series VALUES (?, ?)", (row["series"], prior.to_json()))


def _look_at_all(manifest: Manifest, number: int, setup: Setup, engine: Engine) -> None:
    """Note the predicted colors of every photograph that wasn't looked at as it is now."""
    recipe = setup.recipe.wanted("")
    made_of = "coalesce(listed_size, '') || ' ' || listed_stamp || ' ' || ?"
    rows = manifest.query(
        f"{SELECT} WHERE scan = ? AND NOT EXISTS"
        f" (SELECT 1 FROM signatures WHERE signatures.id = files.id AND made_of = {made_of}) ORDER BY files.id",
        (number, recipe),
    )
    halt: list[str] = []
    stop = threading.Event()

    def done(look: Look) -> None:
        if look.halt is not None:
            halt.append(look.halt)
            stop.set()
            return
        manifest.execute(
            f"INSERT OR REPLACE INTO signatures SELECT id, {made_of}, ? FROM files WHERE id = ?",
            (recipe, look.content, look.id),
        )

    interrupted: list[bool] = []
    engine(setup, map(item_of, rows), "look", done, lambda: interrupted.append(True), stop)
    if interrupted:
        raise KeyboardInterrupt
    if halt:
        raise StoreError(halt[0])
