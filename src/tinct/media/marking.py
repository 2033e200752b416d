"""The mark that says a picture's colors were inferred."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Marking:
    """What a colorized picture says of its making. It holds no time, random id or path: equal work gives equal bytes."""

    software: str
    """Name of the program."""
    version: str
    """Version of the program."""
    model: str
    """Name of the model."""
    model_hash: str
    """SHA-256 of the model's file, in hex."""
    source_hash: str
    """SHA-256 of the source, in hex."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The options used, as JSON holds them."""
    hinted: bool = False
    """Whether a person chose colors by hints."""
