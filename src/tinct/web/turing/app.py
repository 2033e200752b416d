"""The Turing test as an ASGI application: who asks is told by a cookie, and which picture is which stays here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field

import tinct
from tinct.errors import NotFound
from tinct.evaluation.ballots import Ballots, Participant
from tinct.evaluation.trials import PICTURES, TrialSet
from tinct.settings import ServerSettings
from tinct.web import problems
from tinct.web.guard import Guard
from tinct.web.security import Access

PAGE = Path(__file__).parent / "page"
COOKIE = "tinct_turing"
COOKIE_SECONDS = 90 * 24 * 3600
REQUESTS = 30_000
"""A minute, of one address: a whole class may sit behind it."""


class Pair(BaseModel):
    """The pair that is next."""

    number: int
    practice: bool


class State(BaseModel):
    """How far the participant is."""

    joined: bool
    answered: int = 0
    total: int
    practice: int
    """Pairs to begin with, which don't count."""
    next: Pair | None = None
    """None before the beginning and after the end."""


class Answer(BaseModel):
    """Which picture has colors made by a computer."""

    model_config = ConfigDict(extra="forbid")

    choice: Literal["first", "second"]
    seconds: float = Field(ge=0, lt=7 * 86400, allow_inf_nan=False)


class Answered(BaseModel):
    """What came of an answer."""

    right: bool | None
    """Told in practice only."""
    state: State


def create_app(folder: Path, trials: TrialSet, ballots: Ballots, access: Access, settings: ServerSettings) -> FastAPI:
    """Return the application.

    Args:
        folder: of the set of trials.
        trials: the set.
        ballots: where its votes go.
        access: where it listens.
        settings: further names by which browsers may call it, and its proxies.
    """
    app = FastAPI(title="Tinct Turing test", version=tinct.__version__, docs_url=None, redoc_url=None, openapi_url=None)
    problems.install(app)
    practice = len(trials.of("practice"))
    total = practice + len(trials.of("catch")) + trials.session

    def find(request: Request) -> Participant | None:
        try:
            return ballots.find(request.cookies.get(COOKIE, ""))
        except NotFound:
            return None

    def need(request: Request) -> Participant:
        return ballots.find(request.cookies.get(COOKIE, ""))

    def state(participant: Participant | None) -> State:
        if participant is None:
            return State(joined=False, total=total, practice=practice)
        progress = ballots.progress(participant)
        due = progress.showing
        pair = None if due is None else Pair(number=due.number, practice=due.trial.kind == "practice")
        return State(joined=True, answered=progress.answered, total=total, practice=practice, next=pair)

    @app.get("/")
    def page() -> Response:
        return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})

    @app.get("/api/session")
    def session(request: Request) -> State:
        return state(find(request))

    @app.post("/api/session")
    def join(request: Request, response: Response) -> State:
        participant = find(request) or ballots.join()
        response.set_cookie(COOKIE, participant.id, max_age=COOKIE_SECONDS, httponly=True, samesite="strict")
        return state(participant)

    @app.delete("/api/session")
    def leave(response: Response) -> State:
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return state(None)

    @app.get("/api/pairs/{number}/{place}")
    def picture(number: int, place: Literal["first", "second"], request: Request) -> Response:
        showing = ballots.progress(need(request)).showing
        if showing is None or showing.number != number:
            raise NotFound(f"pair {number} isn't the one to be shown")
        # Neither name nor date of a file, which could tell which one it is.
        data = (folder / PICTURES / showing.file(place)).read_bytes()
        return Response(data, media_type="image/png")

    @app.post("/api/pairs/{number}")
    def answer(number: int, given: Answer, request: Request) -> Answered:
        participant = need(request)
        vote = ballots.answer(participant, number, given.choice, given.seconds)
        told = trials.find(vote.trial).kind == "practice"
        return Answered(right=not vote.fooled if told else None, state=state(participant))

    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    app.add_middleware(Guard, settings=replace(settings, requests=REQUESTS), access=access)
    return app
