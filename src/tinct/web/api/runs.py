"""Training: data sets, runs, and the models that come of them."""

from __future__ import annotations

import json
import re
import shutil
from importlib import resources
from pathlib import Path

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from tinct.db.artifacts import CORRECTION, DATASET
from tinct.db.tables import FINAL, Artifact, Run
from tinct.errors import Conflict, NotFound, OptionError
from tinct.web import schemas, workshop
from tinct.web.api.common import Id, Limit, Offset, Surroundings, User, binary, multipart
from tinct.web.api.jobs import EVENTS, LastEvent, number_of, stream
from tinct.web.archives import list_pictures
from tinct.web.context import Context
from tinct.web.datasets import CIFAR10, CORRECTIONS, LEAST_CORRECTIONS, delete_unpacked, find_dataset, too_few
from tinct.web.files import File
from tinct.web.security import find_user
from tinct.web.uploads import keep, received
from tinct.web.wishes import shown_name

router = APIRouter(tags=["training"])
MOST_LOSSES = 2000
"""Of a run, that are told at once."""
_SHEET = re.compile(r"[\w.-]{1,100}\.(png|jpg)")


@router.get("/recipes", summary="List recipes", dependencies=[Depends(find_user)])
def list_recipes() -> list[workshop.Recipe]:
    """Return the recipes that can be trained, each with what its first line says of it."""
    return list(_recipes().values())


def _recipes() -> dict[str, workshop.Recipe]:
    folder = resources.files("tinct") / "recipes"
    found = {}
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        name, _, suffix = path.name.rpartition(".")
        if suffix == "yaml":
            about = path.read_text("utf-8").partition("\n")[0].removeprefix("#").strip()
            found[name] = workshop.Recipe(name=name, about=about)
    return found


@router.get("/datasets", summary="List data sets")
def list_datasets(context: Surroundings, user: User, limit: Limit = 100, offset: Offset = 0) -> workshop.DataSets:
    """Return uploaded data sets, and the names of those that the server has."""
    uploaded = context.repository.artifacts.find(user, DATASET, limit=limit, offset=offset)
    root = context.settings.datasets
    names = (path.name for path in root.iterdir()) if root and root.is_dir() else ()
    there = sorted(name for name in names if re.fullmatch(schemas.DATA_NAME, name))
    return workshop.DataSets(
        uploaded=[schemas.Picture.model_validate(row) for row in uploaded],
        named=[*dict.fromkeys([CIFAR10, CORRECTIONS, *there])],
        corrections=context.repository.artifacts.count(user, CORRECTION),
    )


@router.post("/datasets", status_code=201, summary="Upload a data set", openapi_extra=multipart())
async def add_dataset(request: Request, context: Surroundings, user: User) -> schemas.Picture:
    """Keep a ZIP of photographs to train on; those in folders `val` or `test` are kept apart to validate on."""
    async with received(request) as form:
        form.expect("file")
        upload = form.one("file")

        def take() -> Artifact:
            with context.storage.staging() as folder:
                path = keep(upload, folder / "data.zip")
                count = len(list_pictures(path, largest=context.settings.upload_bytes))
                (key,) = context.new_keys()
                stored = context.storage.put(path, key)
            row = Artifact(
                user_id=user,
                kind=DATASET,
                name=shown_name(upload.filename, "photographs.zip"),
                media_type="application/zip",
                size=stored.size,
                sha256=stored.sha256,
                key=stored.key,
                facts={"pictures": count},
            )
            context.repository.artifacts.add(row)
            return row

        return schemas.Picture.model_validate(await run_in_threadpool(take))


@router.delete("/datasets/{id}", status_code=204, summary="Delete a data set for good")
def delete_dataset(id: Id, context: Surroundings, user: User) -> None:
    """Delete an uploaded data set that no training or Turing test waits for or is at."""
    context.repository.artifacts.get(user, id, DATASET)
    context.forget(context.repository.artifacts.delete(user, id))
    delete_unpacked(context, id)


@router.post("/runs", status_code=202, summary="Start a training")
def start_run(given: workshop.NewRun, context: Surroundings, user: User) -> workshop.Run:
    """Train a recipe on a data set, as `tinct train` does."""
    recipes = _recipes()
    if given.recipe not in recipes:
        raise OptionError(f"there is no recipe {given.recipe!r}; choose one of {', '.join(recipes)}")
    data_name = _find_data(context, user, given.data)
    if given.data == CORRECTIONS:
        count = context.repository.artifacts.count(user, CORRECTION)
        if count < LEAST_CORRECTIONS:
            raise too_few(count)
    if given.init is not None:
        context.find_model(user, given.init)
    if given.save_as is not None:
        context.check_unused(user, given.save_as)
    options = given.model_dump(include={"data", "budget", "seed", "init", "presets", "settings", "save_as"})
    options["data_name"] = data_name
    name, most = given.name or given.recipe, context.settings.queued
    run, job = context.repository.runs.add(user, name, given.recipe, options, most_queued=most)
    context.send(job)
    return _described(context, run)


def _find_data(context: Context, user: str, data: str) -> str:
    """Return what a data set is called; refuse one that isn't there."""
    if data in (CIFAR10, CORRECTIONS) or find_dataset(context, data) is not None:
        return data
    try:
        return context.repository.artifacts.get(user, data, DATASET).name
    except NotFound as error:
        raise OptionError(f"there is no data set {data!r}; upload one, or name one of this server's") from error


def _described(context: Context, run: Run) -> workshop.Run:
    described = workshop.Run.model_validate(
        {name: getattr(run, name) for name in ("id", "name", "recipe", "options", "created")}
    )
    job = context.repository.runs.last_job(run.id)
    described.job = None if job is None else schemas.Job.model_validate(job)
    return described


@router.get("/runs", summary="List trainings")
def list_runs(context: Surroundings, user: User, limit: Limit = 100, offset: Offset = 0) -> list[workshop.Run]:
    """Return training runs, the newest first."""
    return [_described(context, run) for run in context.repository.runs.find(user, limit=limit, offset=offset)]


@router.get("/runs/{id}", summary="How far a training is")
def get_run(id: Id, context: Surroundings, user: User) -> workshop.RunDetails:
    """Return a run with its validations, losses evenly thinned out to some thousand, and the names of its pictures."""
    run = context.repository.runs.get(user, id)
    points = context.repository.runs.thinned_points(id, "loss", MOST_LOSSES)
    return workshop.RunDetails(
        run=_described(context, run),
        points=[workshop.Point.model_validate(point) for point in points],
        sheets=_sheets(context, id),
    )


def _sheets(context: Context, id: str) -> list[str]:
    return sorted(_sheet_files(context, id))


def _sheet_files(context: Context, id: str) -> dict[str, Path]:
    """Return the curves and contact sheets of a run, by their names."""
    folder = context.settings.data / "runs" / id
    return {
        path.name: path
        for place in (folder, folder / "sheets")
        if place.is_dir()
        for path in place.iterdir()
        if _SHEET.fullmatch(path.name)
    }


@router.get(
    "/runs/{id}/sheets/{name}",
    summary="A picture of a training",
    responses=binary("image/png", "image/jpeg"),
    response_class=FileResponse,
)
def get_sheet(id: Id, name: str, context: Surroundings, user: User) -> FileResponse:
    """Return the curves, or validation pictures after an epoch."""
    context.repository.runs.get(user, id)
    path = _sheet_files(context, id).get(name)
    if path is None:
        raise NotFound("there is no such picture")
    return File(path, media_type="image/png" if name.endswith(".png") else "image/jpeg")


@router.get("/runs/{id}/events", summary="Follow a training", responses=EVENTS, response_class=StreamingResponse)
async def follow_run(
    id: Id, request: Request, context: Surroundings, user: User, last: LastEvent = None
) -> StreamingResponse:
    """Send the run's reports (events named `point`), its job whenever that changes (`job`), and the names of its
    pictures whenever there are more (`sheets`), until it ends."""
    await run_in_threadpool(context.repository.runs.get, user, id)
    seen = number_of(last)
    revision: tuple[str, int] | None = None
    sheets: list[str] = []

    def look() -> tuple[list[tuple[str, int, str]], bool]:
        nonlocal seen, revision, sheets
        context.repository.runs.get(user, id)
        # The job first: what is noted before its end isn't missed then.
        job = context.repository.runs.last_job(id)
        news = []
        for point in context.repository.runs.points(id, seen):
            seen = point.number
            news.append(("point", seen, workshop.Point.model_validate(point).model_dump_json()))
        if job is not None and (job.id, job.revision) != revision:
            revision = (job.id, job.revision)
            news.append(("job", seen, schemas.Job.model_validate(job).model_dump_json()))
        if (found := _sheets(context, id)) != sheets:
            sheets = found
            news.append(("sheets", seen, json.dumps(sheets)))
        return news, job is None or job.state in FINAL

    return stream(request, look)


@router.post("/runs/{id}/stop", summary="Stop a training")
def stop_run(id: Id, context: Surroundings, user: User) -> workshop.Run:
    """Stop a run; its state is kept, and it can be resumed."""
    run = context.repository.runs.get(user, id)
    job = context.repository.runs.last_job(id)
    if job is None or job.state in FINAL:
        raise Conflict("this run isn't under way")
    context.repository.jobs.stop(user, job.id)
    return _described(context, run)


@router.post("/runs/{id}/resume", status_code=202, summary="Resume a training")
def resume_run(id: Id, given: workshop.Resume, context: Surroundings, user: User) -> workshop.Run:
    """Go on with a run from its last checkpoint, perhaps for longer than it was to be."""
    run = context.repository.runs.get(user, id)
    try:
        _find_data(context, user, run.options["data"])
    except OptionError as error:
        raise Conflict(f"{run.options['data_name']}, which this run learns from, was deleted; start another") from error
    options, most = {"budget": given.budget}, context.settings.queued
    context.send(context.repository.jobs.add(user, "train", "train", options, run_id=id, most_queued=most))
    return _described(context, run)


@router.post("/runs/{id}/save", status_code=202, summary="Save a training's model")
def save_run(id: Id, given: workshop.SaveRun, context: Surroundings, user: User) -> schemas.Job:
    """Turn a run's checkpoint into a model of that name; the job says when it is there."""
    context.repository.runs.get(user, id)
    context.check_unused(user, given.name)
    if not (context.settings.data / "runs" / id / "run.json").exists():
        raise Conflict("this run has no checkpoint yet; wait for its first epoch")
    options, most = {"name": given.name}, context.settings.queued
    job = context.repository.jobs.add(user, "export", "train", options, run_id=id, most_queued=most)
    context.send(job)
    return schemas.Job.model_validate(job)


@router.delete("/runs/{id}", status_code=204, summary="Delete a training for good")
def delete_run(id: Id, context: Surroundings, user: User) -> None:
    """Delete a run that isn't under way, its checkpoint and pictures; models saved from it stay."""
    context.repository.runs.delete(user, id)
    shutil.rmtree(context.settings.data / "runs" / id, ignore_errors=True)
