"""An uploaded data set that several workers unpack at once."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tinct.db.artifacts import DATASET
from tinct.db.tables import Artifact
from tinct.settings import ServerSettings
from tinct.web import datasets
from tinct.web.context import Context
from tinct.web.sandbox import Stopped


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    opened = Context.open(ServerSettings(tmp_path / "data", f"sqlite:///{tmp_path}/tinct.sqlite"))
    yield opened
    opened.close()


@pytest.fixture
def data_set(context: Context, tmp_path: Path) -> Artifact:
    """An upload of twenty files."""
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for number in range(20):
            archive.writestr(f"{number}.png", b"content")
    (key,) = context.new_keys()
    stored = context.storage.put(tmp_path / "photos.zip", key)
    row = Artifact(
        user_id=context.repository.users.ensure("ann"),
        kind=DATASET,
        name="photos.zip",
        media_type="application/zip",
        size=stored.size,
        sha256=stored.sha256,
        key=key,
    )
    context.repository.artifacts.add(row)
    return row


@pytest.fixture
def put_together(context: Context, data_set: Artifact, tmp_path: Path) -> Callable[..., Path]:
    """Returns a function that does what a worker does before it trains."""

    def put(ending: Callable[[], bool] = lambda: False) -> Path:
        return datasets.put_together(
            context, data_set.user_id, data_set.id, tmp_path / "run", ending, lambda said, share: None
        )

    return put


def test_a_second_worker_waits_for_the_first(
    context: Context, data_set: Artifact, put_together: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    half, go_on, began = threading.Event(), threading.Event(), []
    unpack = datasets.unpack

    def slowly(*given: Any) -> Iterator[Any]:
        began.append(given)
        for number, found in enumerate(unpack(*given)):
            yield found
            if number == 10:
                half.set()
                assert go_on.wait(timeout=30)

    monkeypatch.setattr(datasets, "unpack", slowly)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(put_together)
        assert half.wait(timeout=30)
        with pytest.raises(Stopped):
            put_together(lambda: True)  # one that is told to stop doesn't wait
        second = pool.submit(put_together)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.5)
        go_on.set()
        folder = first.result(timeout=30)
        assert second.result(timeout=30) == folder
    assert len(began) == 1
    assert len(list(folder.rglob("*.png"))) == 20
    datasets.delete_unpacked(context, data_set.id)
    assert list(folder.parent.iterdir()) == []


def test_what_was_unpacked_in_part_is_unpacked_anew(put_together: Callable[..., Path]) -> None:
    asked = iter([False] * 5 + [True])
    with pytest.raises(Stopped):
        put_together(lambda: next(asked))
    assert len(list(put_together().rglob("*.png"))) == 20
