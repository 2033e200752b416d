"""How much memory there is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def memory_bytes() -> tuple[int | None, int | None]:
    """Return all and available memory in bytes, as far as the system tells; a container's limit counts."""
    if sys.platform == "win32":
        return _memory_of_windows()
    if sys.platform == "darwin":
        said = subprocess.run(
            ["sysctl", "-n", "hw.memsize"], capture_output=True, text=True, check=False
        ).stdout.strip()
        return (int(said) if said.isdigit() else None), None
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None, None
    sizes = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
    total, free = sizes["MemTotal"], sizes.get("MemAvailable")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text(encoding="ascii").strip() if limit.is_file() else ""
    if text.isdigit() and int(text) < total:
        total = int(text)
        free = None if free is None else min(free, total)
    return total, free


def _memory_of_windows() -> tuple[int | None, int | None]:
    import ctypes

    class Status(ctypes.Structure):
        """MEMORYSTATUSEX of the Windows API."""

        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            ("total", ctypes.c_ulonglong),
            ("available", ctypes.c_ulonglong),
            ("rest", ctypes.c_ulonglong * 5),
        )

    status = Status(length=ctypes.sizeof(Status))
    if not getattr(ctypes, "windll").kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):  # noqa: B009 - only there
        return None, None
    return int(status.total), int(status.available)
