"""Training batches that depend on the seed and the position alone: a resumed run sees what it would have seen."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tinct.color.tensors import srgb_to_lab
from tinct.data.augment import random_crop, vary_tone
from tinct.data.deck import Deck
from tinct.data.degrade import degrade
from tinct.data.hints import simulate_hints


@dataclass(frozen=True, slots=True)
class Batch:
    """What a network sees at one step."""

    lightness: Tensor
    """(N, 1, H, W), L in 0..100, as the network sees it."""
    ab: Tensor
    """(N, 2, H, W), true a and b in Lab units."""
    hints: Tensor
    """(N, 3, H, W): mask, a, b."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a run has come in its data."""

    step: int = 0
    """Steps taken."""
    seen: int = 0
    """Photos seen."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How batches are cut."""

    sizes: Mapping[int, float]
    """Side of the crops -> how often; each batch takes one."""
    batch: int
    """Photos a batch at the first size; others hold about as many pixels."""
    least_crop: float = 0.45
    """Smallest crop, as a share of the photo's short side."""
    flip: bool = True
    turn: bool = False
    tone: float = 0.3
    """Share of photos whose lightness is varied."""
    degrade: float = 0.0
    """Share of photos whose lightness is that of an old print, see :func:`tinct.data.degrade.degrade`."""
    hints: bool = True
    """Whether hints are simulated."""
    without_hints: float = 0.5
    """Share of photos that get none, 0..1."""

    def count(self, size: int, world: int = 1) -> int:
        """Return how many photos a batch of crops of a size holds; each of ``world`` processes takes as many."""
        count = max(world, round(self.batch * (next(iter(self.sizes)) / size) ** 2))
        return count - count % world


class BatchStream:
    """Batches of random crops.

    Args:
        deck: the photos in their order.
        sampling: how they are cut.
        seed: of all choices.
        rank: which of ``world`` processes this is; each takes its share of every batch.
        world: number of processes.
    """

    def __init__(self, deck: Deck, sampling: Sampling, seed: int, rank: int = 0, world: int = 1) -> None:
        self.deck = deck
        self.sampling = sampling
        self.seed = seed
        self.rank = rank
        self.world = world

    def unlike_one_process(self) -> str:
        """Say how batches differ from those of a single process; "" where they don't."""
        how = self.sampling
        counts = [(size, how.count(size, self.world), how.count(size)) for size in how.sizes]
        listed = ", ".join(f"{count} at {size} pixels, not {alone}" for size, count, alone in counts if count != alone)
        evenly = f"each of {self.world} processes takes as many photographs, so that steps have others than with one"
        return f"{evenly} process: {listed}" if listed else ""

    def make(self, position: Position) -> tuple[Batch, Position]:
        """Return the batch at a position, and the position after it."""
        how = self.sampling
        rng = np.random.default_rng((self.seed, 2, position.step))
        sizes, shares = list(how.sizes), np.array(list(how.sizes.values()))
        size = int(rng.choice(sizes, p=shares / shares.sum()))
        count = how.count(size, self.world)
        after = Position(position.step + 1, position.seen + count)
        # Each photo has its own stream of choices, whatever process takes it.
        places = range(position.seen + self.rank, position.seen + count, self.world)
        own = [np.random.default_rng((self.seed, 3, place)) for place in places]
        crops = [
            random_crop(self.deck[place], size, one, least=how.least_crop, flip=how.flip, turn=how.turn)
            for place, one in zip(places, own, strict=True)
        ]
        lab = srgb_to_lab(torch.stack(crops).float() / 255)
        ab = lab[:, 1:].contiguous()
        lightness = torch.cat([_seen(plane, crop, one, how) for plane, crop, one in zip(lab, crops, own, strict=True)])
        hints = torch.zeros(len(ab), 3, size, size)
        if how.hints:
            each = zip(ab, own, strict=True)
            hints = torch.cat([simulate_hints(plane[None], one, how.without_hints) for plane, one in each])
        return Batch(lightness, ab, hints), after

    def stream(self, position: Position, ahead: int = 3) -> Generator[tuple[Batch, Position]]:
        """Yield batches from a position on, without end, prepared by a thread of its own."""
        ready: queue.Queue[tuple[Batch, Position] | Exception] = queue.Queue(ahead)
        stop = threading.Event()

        def work() -> None:
            here = position
            while not stop.is_set():
                try:
                    made: tuple[Batch, Position] | Exception = self.make(here)
                except Exception as error:  # noqa: BLE001 - raised again where the batch is taken
                    made = error
                while not stop.is_set():
                    try:
                        ready.put(made, timeout=0.2)
                        break
                    except queue.Full:
                        continue
                if isinstance(made, Exception):
                    return
                here = made[1]

        thread = threading.Thread(target=work, name="batches", daemon=True)
        thread.start()
        try:
            while True:
                made = ready.get()
                if isinstance(made, Exception):
                    raise made
                yield made
        finally:
            stop.set()
            thread.join()


def _seen(lab: Tensor, crop: Tensor, rng: np.random.Generator, how: Sampling) -> Tensor:
    """Return the lightness that the network gets of a crop, (1, 1, H, W)."""
    if how.degrade and rng.random() < how.degrade:
        return torch.from_numpy(degrade(crop.permute(1, 2, 0).numpy(), rng))[None, None]
    return vary_tone(lab[None, :1], rng, how.tone)
