"""What is kept between runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tinct.errors import OutputError
from tinct.evaluation.store import Measured, Output, Store

FOUND = Measured({"psnr": 20.5, "ms_ssim": None}, np.arange(229), np.arange(229) * 151, np.ones(1280, np.float32))


def test_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    with Store(path, "one") as store:
        store.keep("a", "measured", {"gray": Output("p", None), "tool": Output(None, "missing")}, [("p", FOUND)])
        store.set_note("cost", "12")
    with Store(path, "one") as store:
        assert store.status("a") == "measured"
        assert store.status("b") is None
        assert store.output("a", "gray") == Output("p", None)
        assert store.output("a", "tool") == Output(None, "missing")
        assert store.output("a", "other") is None
        assert store.has("a", "p")
        assert not store.has("a", "q")
        found = store.get("a", "p")
        assert found.figures == FOUND.figures
        np.testing.assert_array_equal(found.colors, FOUND.colors)
        np.testing.assert_array_equal(found.hits, FOUND.hits)
        assert found.features is not None
        np.testing.assert_array_equal(found.features, np.ones(1280))
        assert found.inception is None
        assert store.note("cost") == "12"
    with Store(path, "another") as store:
        assert store.status("a") is None
        assert store.note("cost") is None


def test_nothing_measured_leaves_no_file(tmp_path: Path) -> None:
    with Store(tmp_path / "kept", "one"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_full_or_in_use_says_so(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    big = Measured({}, np.arange(229), np.arange(229), np.random.default_rng(0).random(99_999).astype(np.float32))
    with Store(path, "one") as store:
        store._base.execute("PRAGMA max_page_count = 9")
        with pytest.raises(OutputError, match=r"kept can't keep what is measured .*full.*; free some space"):
            store.keep("a", "measured", {}, [("p", big)])
        assert store.status("a") is None
        store.set_note("cost", "12")
        store._base.execute("PRAGMA busy_timeout = 0")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(OutputError, match=r"locked.*wait for other evaluations"):
                store.set_note("cost", "13")
        assert store.note("cost") == "12"


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"no database, but longer than the header of one " * 9)
    with pytest.raises(OutputError, match="remove it, or give another file"):
        Store(tmp_path / "kept", "one")
    assert (tmp_path / "kept").exists()
