"""The order of photos, with replayed ones among them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.data.deck import Deck

NEW = [np.full((1, 1, 3), value, np.uint8) for value in range(7)]
OLD = [np.full((1, 1, 3), 100 + value, np.uint8) for value in range(5)]


def values(deck: Deck, places: range) -> NDArray[np.int64]:
    return np.array([int(deck[place][0, 0, 0]) for place in places])


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.75])
def test_every_batch_has_its_share_of_replayed_photos(share: float) -> None:
    seen = values(Deck(NEW, 0, OLD, share), range(400))
    for start in range(0, 400, 20):
        assert abs((seen[start : start + 20] >= 100).sum() - 20 * share) <= 1


def test_both_kinds_come_in_whole_passes() -> None:
    seen = values(Deck(NEW, 0, OLD, 0.5), range(140))
    for kind, length in ((seen[seen < 100], 7), (seen[seen >= 100], 5)):
        passes = kind.reshape(-1, length)
        assert all(sorted(one) == sorted(passes[0]) for one in passes)
        assert len({tuple(one) for one in passes}) > 1


def test_a_place_gives_the_same_photo_whoever_asks() -> None:
    whole = values(Deck(NEW, 3, OLD, 0.3), range(60))
    assert list(values(Deck(NEW, 3, OLD, 0.3), range(41, 60))) == list(whole[41:])
    assert list(values(Deck(NEW, 3, OLD, 0.3), range(1, 60, 2))) == list(whole[1::2])


def test_without_photos_to_replay_the_share_has_no_effect() -> None:
    assert list(values(Deck(NEW, 3, (), 0.3), range(30))) == list(values(Deck(NEW, 3), range(30)))


def test_replayed_photos_do_not_count_as_passes() -> None:
    assert Deck(NEW, 0).passes(14) == 2
    assert Deck(NEW, 0, OLD, 0.5).passes(28) == 2
