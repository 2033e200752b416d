"""Which photo comes when: a shuffled pass after another, with a share of replayed photos among them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Shuffled:
    """Photos in passes without end, each pass in an order of its own.

    Args:
        photos: (H, W, 3) uint8 each.
        key: of the orders; a seed and a number that tells this from other choices of that seed.
    """

    def __init__(self, photos: Sequence[NDArray[np.uint8]], key: tuple[int, int]) -> None:
        self.photos = photos
        self._key = key
        self._pass = -1
        self._order: NDArray[np.int64] = np.empty(0, np.int64)

    def __getitem__(self, place: int) -> NDArray[np.uint8]:
        number, index = divmod(place, len(self.photos))
        if number != self._pass:
            self._order = np.random.default_rng((*self._key, number)).permutation(len(self.photos))
            self._pass = number
        return self.photos[int(self._order[index])]


class Deck:
    """The photos of a run in the order in which it sees them.

    Which of them are replayed follows from the place alone, spread as evenly as can be: a run that is resumed at a
    place, or a process that takes every second place, gets what it would have got.

    Args:
        photos: to learn from, (H, W, 3) uint8 each.
        seed: of the orders.
        replayed: further photos, such as those that the model was trained on before.
        share: of the places that hold one of these, 0 up to below 1; without effect where there are none.
    """

    def __init__(
        self,
        photos: Sequence[NDArray[np.uint8]],
        seed: int,
        replayed: Sequence[NDArray[np.uint8]] = (),
        share: float = 0.0,
    ) -> None:
        self.share = share if replayed else 0.0
        self._new, self._old = Shuffled(photos, (seed, 1)), Shuffled(replayed, (seed, 4))

    def __getitem__(self, place: int) -> NDArray[np.uint8]:
        before = self._replayed(place)
        if self._replayed(place + 1) > before:
            return self._old[before]
        return self._new[place - before]

    def passes(self, places: int) -> float:
        """Return how often the photos to learn from have come in the first places; replayed ones don't count."""
        return (places - self._replayed(places)) / len(self._new.photos)

    def _replayed(self, places: int) -> int:
        return math.floor(places * self.share)
