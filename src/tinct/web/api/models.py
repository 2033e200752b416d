"""Models: those of the installation, and those that the user trained or imported."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from tinct.db.tables import Model
from tinct.errors import BadModelFile, Conflict, OptionError
from tinct.inference.backends import read_spec
from tinct.settings import load_settings
from tinct.web import workshop
from tinct.web.api.common import Decoders, ModelName, Surroundings, User, binary, disposition, multipart
from tinct.web.files import File
from tinct.web.samples import make_strip
from tinct.web.training import look_at_model
from tinct.web.uploads import keep, received
from tinct.web.wishes import shown_name
from tinct.weights import store

router = APIRouter(prefix="/models", tags=["models"])
LOAD_SECONDS = 120


@router.get("", summary="List models")
def list_models(context: Surroundings, user: User) -> workshop.Models:
    """Return all models that can be named, with what is known of how good they are."""
    default = context.repository.models.default(user)
    return workshop.Models(
        own=[workshop.Model.model_validate(model) for model in context.repository.models.find(user)],
        installed=[_installed(name) for name in store.list_models()],
        default=default.name if isinstance(default, Model) else _plain(default),
    )


def _plain(chosen: str | None) -> str:
    """Return the name of the model of the installation that colors where none of the user's own does."""
    for name in (chosen, load_settings().model):
        if store.ALIASES.get(name or "", name) in store.list_models():
            return store.ALIASES.get(name or "", str(name))
    return "default"  # it is a path, which is nobody's business


def _installed(name: str) -> workshop.Installed:
    path = store.resolve(name)
    spec, known = read_spec(path), store.facts(path)
    facts = {
        "architecture": spec.architecture,
        "parameters": spec.parameters,
        "takes_hints": spec.takes_hints,
        "modes": dict(spec.modes),
        "bytes": path.stat().st_size,
        "figures": known.get("figures", {}),
    }
    return workshop.Installed(name=name, facts=facts)


@router.post(
    "", status_code=201, summary="Import a model", openapi_extra=multipart(name={"type": "string", "maxLength": 100})
)
async def import_model(request: Request, context: Surroundings, user: User) -> workshop.Model:
    """Import an ONNX file that `tinct export` wrote, under a name: the field `name`, else the file's."""
    async with received(request) as form:
        form.expect("file")
        upload = form.one("file")
        given = dict(form.fields)
        if len(given) != len(form.fields) or given.keys() - {"name"}:
            raise OptionError("the form has the fields file and name, each once")
        name = _named(given["name"]) if "name" in given else _stem(upload.filename)

        def take() -> Model:
            context.check_unused(user, name)
            with context.storage.staging() as folder:
                path = keep(upload, folder / "model.onnx")
                facts = look_at_model(context, path)
                (key,) = context.new_keys()
                stored = context.storage.put(path, key)
            row = Model(user_id=user, name=name, facts=facts, sha256=stored.sha256, size=stored.size, key=stored.key)
            try:
                return context.repository.models.add(row)
            except Conflict:
                context.forget([stored.key])
                raise

        return workshop.Model.model_validate(await run_in_threadpool(take))


def _named(name: str) -> str:
    try:
        return workshop.SaveRun(name=name).name
    except ValidationError as error:
        raise OptionError(
            f"the name {name[:50]!r} can't be used; begin with a letter or digit, then also . ( ) + -"
        ) from error


def _stem(filename: str | None) -> str:
    plain = "".join(letter if letter.isalnum() or letter in " _-." else "-" for letter in shown_name(filename, "model"))
    return plain.removesuffix(".onnx").strip(" .-")[:100] or "model"


@router.get("/{name}", summary="Describe a model")
def get_model(name: ModelName, context: Surroundings, user: User) -> workshop.Model:
    """Return one of the user's models, by its name or id."""
    return workshop.Model.model_validate(context.repository.models.get(user, name))


@router.get(
    "/{name}/file", summary="Export a model", responses=binary("application/octet-stream"), response_class=FileResponse
)
def export_model(name: ModelName, context: Surroundings, user: User) -> FileResponse:
    """Return the ONNX file of one of the user's models; the command takes it as `--model FILE`."""
    model = context.repository.models.get(user, name)
    with context.storage.fetch(model.key) as path:
        headers = {"Content-Disposition": disposition(f"{model.name}.onnx"), "ETag": f'"{model.sha256}"'}
        return File(path, media_type="application/octet-stream", headers=headers)


@router.post("/{name}/load", summary="Load a model")
def load_model(name: ModelName, context: Surroundings, sandboxes: Decoders, user: User) -> workshop.Installed:
    """Load a model from the database, check its hash, and confirm what it is."""
    found = context.find_model(user, name)
    with context.model_path(user, name) as path:
        if isinstance(found, Model) and store.digest(Path(path)) != found.sha256:
            raise BadModelFile(f"the file of the model {found.name} is damaged; import or train it again")
        facts = sandboxes.ask({"do": "load", "model": path, "names": {path: name}}, LOAD_SECONDS)
    return workshop.Installed(name=found if isinstance(found, str) else found.name, facts=facts)


@router.get(
    "/{name}/samples",
    summary="Sample photographs in a model's colors",
    responses=binary("image/jpeg"),
    response_class=FileResponse,
)
def get_samples(name: ModelName, context: Surroundings, sandboxes: Decoders, user: User) -> FileResponse:
    """Return a strip of photographs, gray above and colored by the model below."""
    strip = make_strip(context, sandboxes, user, name)
    return File(strip, media_type="image/jpeg", headers={"Cache-Control": "private, no-cache"})


@router.patch("/{name}", summary="Rename a model, or make it the default")
def change_model(
    name: ModelName, change: workshop.ModelChange, context: Surroundings, user: User
) -> workshop.Model | workshop.Installed:
    """Change a model; the default colors all pictures for which no other model is asked.

    A model of the installation can be made the default, and nothing else.
    """
    found = context.find_model(user, name)
    if isinstance(found, str):
        if change.name is not None:
            raise Conflict(f"{name} came with the installation, and keeps its name")
        plain = store.ALIASES.get(name, name)
        if change.default is not None:
            context.repository.models.choose_installed(user, plain if change.default else None)
        return _installed(plain)
    if change.name is not None and change.name != found.name:
        context.check_unused(user, change.name)
    return workshop.Model.model_validate(
        context.repository.models.change(user, name, name=change.name, default=change.default)
    )


@router.delete("/{name}", status_code=204, summary="Delete a model for good")
def delete_model(name: ModelName, context: Surroundings, user: User) -> None:
    """Delete one of the user's models."""
    context.forget([context.repository.models.delete(user, name)])
