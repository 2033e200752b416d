from __future__ import annotations

import sys

import psutil
import pytest

from tinct.media.memory import memory_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux writes")
def test_memory_is_what_the_system_says() -> None:
    total, free = memory_bytes()
    assert total is not None
    assert free is not None
    assert 0 < free <= total <= psutil.virtual_memory().total
