"""What the API takes and gives, as its documents have it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[\w][\w .()+-]*$")]
DATA_NAME = r"^\w[\w.-]*$"
DataName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=DATA_NAME)]
Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
MODEL_NAME = r"^[^\x00-\x1f\x7f]+$"
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=MODEL_NAME)]


class Strict(BaseModel):
    """Refuses fields that it doesn't know."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Given(BaseModel):
    """What is answered, read off the rows of the database."""

    model_config = ConfigDict(from_attributes=True, protected_namespaces=())


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


class Hint(Strict):
    """A color chosen for a place; see the files of hints that the command takes."""

    x: float | str
    y: float | str
    color: Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
    radius: Annotated[int, Field(ge=1, le=100_000)] = 3


class Look(Strict):
    """How to color a picture; what isn't given is as usual, and hints are those kept with the picture."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"vividness": 0.7, "saturation": 1.2}]})

    mode: Literal["vivid", "faithful"] | None = None
    vividness: Annotated[float, Field(ge=0, le=1)] | None = None
    saturation: Annotated[float, Field(ge=0, le=10)] | None = None
    size: Annotated[int, Field(ge=16, le=1536)] | None = None
    hints: Annotated[list[Hint], Field(max_length=1000)] | None = None
    variant: Annotated[int, Field(ge=1, le=12)] | None = None
    """Which of ``variants``."""
    variants: Annotated[int, Field(ge=1, le=12)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31)] = 0
    model: ModelName | None = None


class Region(Strict):
    """A part of a picture, in pixels of it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"x": 0, "y": 0, "width": 60, "height": 40, "look": {"vividness": 0.7}}]}
    )

    x: Annotated[int, Field(ge=0, le=2**31 - 1)]
    y: Annotated[int, Field(ge=0, le=2**31 - 1)]
    width: Annotated[int, Field(ge=1, le=2**31 - 1)]
    height: Annotated[int, Field(ge=1, le=2**31 - 1)]
    scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    """How large it is shown; 1 is pixel for pixel."""
    look: Look | None = None
    """None for the picture as it is."""


class Order(Look):
    """A look, and how to write the result."""

    layer: bool = False
    format: Literal["jpeg", "png", "tiff", "webp", "avif", "jp2"] | None = None
    quality: Annotated[int, Field(ge=1, le=100)] | None = None
    no_mark: bool = False
    allow_truncated: bool = False


class PictureOrder(Order):
    """An order for a picture that is kept."""

    picture: Id


class Orders(Strict):
    """What to color together."""

    orders: Annotated[list[PictureOrder], Field(min_length=1, max_length=500)]


class Picture(Given):
    """An uploaded picture, or another file."""

    id: str
    name: str
    media_type: str
    size: int
    sha256: str
    created: float
    facts: dict[str, Any]


class Job(Given):
    """Something to be done, and how far it is."""

    id: str
    kind: str
    state: Literal["queued", "running", "done", "failed", "stopped"]
    progress: float
    message: str | None
    notes: list[str]
    error: str | None
    error_kind: str | None
    created: float
    started: float | None
    finished: float | None
    picture_id: str | None
    run_id: str | None
    batch_id: str | None
    revision: int


class Batch(BaseModel):
    """Pictures that were sent together."""

    id: str
    jobs: list[Job]
    refused: list[dict[str, str]] = []
    """Files that can't be used, each with its name and the reason."""


class KeptHints(Strict):
    """The hints of a picture."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"hints": [{"x": 12, "y": "40%", "color": "#a03020"}], "revision": 0}]}
    )

    hints: Annotated[list[Hint], Field(max_length=1000)]
    revision: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    """The revision that was changed, 0 for none; another one there is a conflict. None replaces whatever is there."""


class FoundHints(KeptHints):
    """The hints of a picture, and whether its colors are learned from."""

    accepted: bool
    """Whether the user accepted its colors in some state; see corrections."""
    beside: list[Literal["mask", "reference"]]
    """What else is kept with it."""


class Place(Strict):
    """A place of a picture, in pixels of it or as a percentage."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"x": "50%", "y": 40, "count": 5}]})

    x: float | str
    y: float | str
    count: Annotated[int, Field(ge=1, le=20)] = 5
    model: ModelName | None = None


class Session(Strict):
    """What a browser logs in with."""

    token: Annotated[str, Field(min_length=1, max_length=500)]


class LoggedIn(BaseModel):
    """How who asks came in."""

    by_token: bool
    """Whether by a token, of their own or the server's; False where whoever opens the page is let in."""


class Limits(BaseModel):
    """What a server takes at most."""

    bytes: int
    """Of a request."""
    pixels: int
    """Of a photograph."""
    files: int
    """Of a request."""


class Health(BaseModel):
    """Whether the server can work."""

    status: Literal["ok", "failing"]
    version: str
    database: bool
    queue: bool
