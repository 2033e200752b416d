"""What the API takes and gives about models, training and Turing tests, as its documents have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, WrapValidator

from tinct.web.schemas import DataName, Given, Id, Job, ModelName, Name, Picture, Strict


def _check_setting(value: Any, check: Callable[[Any], str]) -> str:
    """Say of a setting that has another form what form it has."""
    try:
        return check(value)
    except ValidationError as error:
        raise ValueError("expected NAME=VALUE, such as data.batch=64") from error


Setting = Annotated[
    str, StringConstraints(pattern=r"^[a-z_0-9.]{1,100}=[A-Za-z0-9_.+-]{1,50}$"), WrapValidator(_check_setting)
]


class Model(Given):
    """A model that was trained or imported here."""

    id: str
    name: str
    recipe: str | None
    facts: dict[str, Any]
    sha256: str
    size: int
    run_id: str | None
    is_default: bool
    created: float


class Installed(BaseModel):
    """A model of this installation."""

    name: str
    facts: dict[str, Any]


class Models(BaseModel):
    """All models that a user may name."""

    own: list[Model]
    installed: list[Installed]
    default: str


class Correction(BaseModel):
    """A picture whose colors the user accepted, for a model to learn from."""

    picture: Id
    """Id of the picture."""
    name: str
    created: float


class ModelChange(Strict):
    """What to change of a model."""

    name: Name | None = None
    default: bool | None = None


class Recipe(BaseModel):
    """A recipe that can be trained."""

    name: str
    about: str


class DataSets(BaseModel):
    """What can be trained on."""

    uploaded: list[Picture]
    named: list[str]
    """``cifar10``, ``corrections`` and those of the server."""
    corrections: int
    """Pictures whose colors the user accepted."""


class NewRun(Strict):
    """A training run to start."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"recipe": "cifar-cnn", "data": "cifar10", "budget": "1epochs", "name": "my first"}]
        }
    )

    recipe: Name
    data: DataName
    """``cifar10``, ``corrections``, the id of an uploaded data set, or the name of one on the server."""
    name: Name | None = None
    budget: Annotated[str, StringConstraints(pattern=r"^\d{1,6}(\.\d{1,3})?(min|h|steps|epochs)$")] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    init: ModelName | None = None
    """Name of a model to start from."""
    save_as: Name | None = None
    """What to call the model that is saved when the training is done; None saves none by itself."""
    presets: Annotated[list[Name], Field(default_factory=list, max_length=10)]
    settings: Annotated[list[Setting], Field(default_factory=list, max_length=50)]


class Resume(Strict):
    """How to go on with a run."""

    budget: Annotated[str, StringConstraints(pattern=r"^\d{1,6}(\.\d{1,3})?(min|h|steps|epochs)$")] | None = None


class SaveRun(Strict):
    """What to call the model of a run."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "my model"}]})

    name: Name


class Run(Given):
    """A training run."""

    id: str
    name: str
    recipe: str
    options: dict[str, Any]
    created: float
    job: Job | None = None
    """The one that started or resumed it last; its state is the run's."""


class Point(Given):
    """A report of a run."""

    number: int
    kind: str
    body: dict[str, Any]
    created: float


class RunDetails(BaseModel):
    """A run with its reports and the pictures that it left."""

    run: Run
    points: list[Point]
    sheets: list[str]


class NewTest(Strict):
    """A Turing test to make."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "first", "data": "0" * 32, "count": 10, "models": ["tinct"]}]}
    )

    name: Name
    data: DataName
    """The id of an uploaded data set, or the name of one on the server; its photographs have colors."""
    models: Annotated[list[ModelName], Field(default_factory=list, max_length=20)]
    """Names; none for the default."""
    count: Annotated[int, Field(ge=1, le=500)] = 20
    """Photographs that count."""
    catch: Annotated[int, Field(ge=0, le=50)] = 2
    """Further ones, set against the colors of another."""
    practice: Annotated[int, Field(ge=0, le=50)] = 3
    """Further ones to begin with, with the answer told."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0


class TuringTest(Given):
    """A Turing test."""

    id: str
    name: str
    created: float
    facts: dict[str, Any]


class Pair(BaseModel):
    """The pair that is next."""

    number: int
    practice: bool


class Sitting(BaseModel):
    """How far somebody is in a test."""

    id: str
    test: str
    answered: int
    total: int
    practice: int
    """Pairs to begin with, which don't count."""
    next: Pair | None
    """None at the end."""


class Answer(Strict):
    """Which picture has colors made by a computer."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"choice": "first", "seconds": 1.4}]})

    choice: Literal["first", "second"]
    seconds: Annotated[float, Field(ge=0, le=3600)]


class Answered(BaseModel):
    """What came of an answer."""

    right: bool | None
    """Told in practice only."""
    sitting: Sitting
