from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tinct.data.augment import random_crop, vary_tone
from tinct.data.batches import Batch, BatchStream, Position, Sampling
from tinct.data.deck import Deck
from tinct.data.hints import hint_count, simulate_hints


@pytest.fixture
def photos() -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (40 + i, 60, 3)).astype(np.uint8) for i in range(7)]


SAMPLING = Sampling(sizes={32: 0.5, 64: 0.5}, batch=4, turn=True)


def take(stream: BatchStream, start: Position, count: int) -> list[tuple[Batch, Position]]:
    with closing(stream.stream(start)) as batches:
        return [next(batches) for _ in range(count)]


def test_batches_from_the_middle_are_those_of_the_whole(photos: list[NDArray[np.uint8]]) -> None:
    whole = take(BatchStream(Deck(photos, 3), SAMPLING, 3), Position(), 8)
    rest = take(BatchStream(Deck(photos, 3), SAMPLING, 3), whole[3][1], 4)
    for (one, there), (other, here) in zip(whole[4:], rest, strict=True):
        assert there == here
        for name in ("lightness", "ab", "hints"):
            assert torch.equal(getattr(one, name), getattr(other, name))


def test_another_seed_gives_other_batches(photos: list[NDArray[np.uint8]]) -> None:
    one, other = (BatchStream(Deck(photos, seed), SAMPLING, seed).make(Position())[0] for seed in (1, 2))
    assert one.ab.shape != other.ab.shape or not torch.equal(one.ab, other.ab)


def test_every_size_holds_about_as_many_pixels(photos: list[NDArray[np.uint8]]) -> None:
    shapes = {tuple(batch.ab.shape) for batch, _ in take(BatchStream(Deck(photos, 0), SAMPLING, 0), Position(), 12)}
    assert shapes == {(4, 2, 32, 32), (1, 2, 64, 64)}


def test_processes_share_a_batch_without_overlap(photos: list[NDArray[np.uint8]]) -> None:
    plain = Sampling(sizes={32: 1.0}, batch=4, tone=0, hints=False)
    whole, after = BatchStream(Deck(photos, 5), plain, 5).make(Position(2, 9))
    parts = [BatchStream(Deck(photos, 5), plain, 5, rank, 2).make(Position(2, 9)) for rank in range(2)]
    assert all(position == after for _, position in parts)
    assert torch.equal(whole.ab[0::2], parts[0][0].ab)
    assert torch.equal(whole.ab[1::2], parts[1][0].ab)


def test_an_epoch_holds_every_photo_once(photos: list[NDArray[np.uint8]]) -> None:
    deck = Deck(photos, 0)
    for epoch in range(3):
        heights = [len(deck[epoch * 7 + index]) for index in range(7)]
        assert sorted(heights) == list(range(40, 47))


def test_processes_say_where_a_batch_cant_be_divided() -> None:
    deck = Deck([np.zeros((40, 40, 3), np.uint8)], 0)
    said = [BatchStream(deck, Sampling({32: 1, 64: 1}, batch), 0, 0, 2).unlike_one_process() for batch in (8, 12)]
    assert said[0] == ""
    assert said[1].endswith("than with one process: 2 at 64 pixels, not 3")


def test_a_fault_in_the_thread_reaches_the_caller() -> None:
    broken = [np.zeros((0, 0, 3), np.uint8)]
    with (
        closing(BatchStream(Deck(broken, 0), SAMPLING, 0).stream(Position())) as batches,
        pytest.raises(ValueError, match="high"),
    ):
        next(batches)


def test_a_crop_keeps_colors_and_size() -> None:
    photo = np.full((50, 70, 3), (200, 100, 50), np.uint8)
    crop = random_crop(photo, 33, np.random.default_rng(0), least=0.3)
    assert crop.shape == (3, 33, 33)
    assert crop.flatten(1).unique(dim=1).tolist() == [[200], [100], [50]]


def test_tone_changes_only_its_share_and_stays_in_range() -> None:
    lightness = torch.rand(64, 1, 16, 16) * 100
    varied = vary_tone(lightness, np.random.default_rng(0), 0.5)
    changed = [not torch.equal(one, other) for one, other in zip(lightness, varied, strict=True)]
    assert 16 < sum(changed) < 48
    assert varied.min() >= 0
    assert varied.max() <= 100
    assert torch.equal(vary_tone(lightness, np.random.default_rng(0), 0), lightness)


def test_hint_counts_follow_their_three_parts() -> None:
    rng = np.random.default_rng(0)
    counts = np.array([hint_count(rng) for _ in range(4000)])
    assert 0.45 < (counts == 0).mean() < 0.62
    assert (counts > 50).mean() > 0.02
    assert counts.max() <= 128


def test_hints_carry_the_mean_color_of_their_patch() -> None:
    ab = torch.zeros(8, 2, 40, 40)
    ab[:, 0], ab[:, 1] = 30.0, -12.0
    hints = simulate_hints(ab, np.random.default_rng(1))
    mask = hints[:, 0] == 1
    assert mask.any()
    assert set(hints[:, 0].unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(hints[:, 1][mask], torch.full_like(hints[:, 1][mask], 30.0))
    torch.testing.assert_close(hints[:, 2][mask], torch.full_like(hints[:, 2][mask], -12.0))
    assert not hints[:, 1:].amax(1)[~mask].any()
