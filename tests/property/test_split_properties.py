"""The division of a data set by hash: it never shifts, and its share is the one asked for."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tinct.data.source import Source
from tinct.data.split import split_by_hash

NAMES = st.sets(st.text(min_size=1, max_size=30), max_size=60)
SEEDS = st.integers(0, 2**31)


def sources(names: set[str]) -> list[Source]:
    return [Source(name, Path()) for name in sorted(names)]


@settings(deadline=None, max_examples=50)
@given(NAMES, NAMES, st.floats(0, 1), SEEDS)
def test_photos_stay_on_their_side_when_others_come_and_go(
    some: set[str], others: set[str], share: float, seed: int
) -> None:
    before, after = (split_by_hash(sources(names), share, seed) for names in (some, some | others))
    for side in range(2):
        assert [s for s in after[side] if s.name in some] == before[side]


@settings(deadline=None, max_examples=50)
@given(NAMES, st.floats(0, 1), st.floats(0, 1), SEEDS)
def test_a_larger_share_holds_the_smaller(names: set[str], one: float, other: float, seed: int) -> None:
    small, large = (split_by_hash(sources(names), share, seed)[1] for share in sorted((one, other)))
    assert {s.name for s in small} <= {s.name for s in large}


@settings(deadline=None, max_examples=50)
@given(NAMES, st.floats(0, 1), SEEDS)
def test_nothing_is_lost_and_order_is_kept(names: set[str], share: float, seed: int) -> None:
    first, second = split_by_hash(sources(names), share, seed)
    assert sorted(first + second, key=lambda s: s.name) == sources(names)
    assert first == sorted(first, key=lambda s: s.name)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from([0.02, 0.2, 0.5, 0.8]), SEEDS)
def test_the_share_is_the_one_asked_for_and_seeds_differ(share: float, seed: int) -> None:
    many = [Source(f"photo-{number}.jpg", Path()) for number in range(2000)]
    chosen, other = ({s.name for s in split_by_hash(many, share, of)[1]} for of in (seed, seed + 1))
    # Five standard deviations of a binomial.
    assert abs(len(chosen) / 2000 - share) < 5 * (share * (1 - share) / 2000) ** 0.5
    assert chosen != other
