from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tinct.media.photoshop import IPTC, PREFIX, join_iptc, read_resources, split_iptc, write_resources

resources = st.lists(st.tuples(st.integers(2000, 2999), st.binary(max_size=9), st.binary(max_size=20)), max_size=4)


@given(resources)
def test_round_trip(items):
    assert list(read_resources(write_resources(items))) == items
    assert list(read_resources(PREFIX + write_resources(items))) == items


@given(st.binary(min_size=1, max_size=30), resources)
def test_iptc_is_split_off_and_joined_again(iptc, items):
    block = join_iptc(iptc, write_resources(items))
    assert block is not None
    assert split_iptc(block) == (iptc, write_resources(items) or None)


@given(st.binary(max_size=60))
def test_damage_ends_the_list(data):
    list(read_resources(b"8BIM" + data))


def test_small_pictures_and_copies_of_other_metadata_are_dropped():
    block = write_resources(
        [(0x040C, b"", b"jpeg"), (0x0424, b"", b"xmp"), (2000, b"path", b"1"), (IPTC, b"", b"\x1c")]
    )
    assert split_iptc(block) == (b"\x1c", write_resources([(2000, b"path", b"1")]))


def test_bare_iptc():
    assert split_iptc(b"\x1c\x02\x78\0\1a") == (b"\x1c\x02\x78\0\1a", None)
    assert split_iptc(b"") == (None, None)
    assert join_iptc(None, None) is None
