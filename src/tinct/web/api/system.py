"""Health, limits, metrics, and logging in."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

import tinct
from tinct.errors import DatabaseError
from tinct.web import schemas
from tinct.web.api.common import Surroundings, User
from tinct.web.problems import RESPONSES, problem
from tinct.web.security import cookie_name, find_user

router = APIRouter(tags=["system"])


@router.get(
    "/health",
    summary="Whether the server works",
    responses={503: {"description": "It doesn't.", "model": schemas.Health}},
)
def health(context: Surroundings, response: Response) -> schemas.Health:
    """Return whether database and queue answer; without the queue jobs only begin later."""
    try:
        context.repository.database.check()
        database = True
    except DatabaseError:
        database = False
        response.status_code = 503
    return schemas.Health(
        status="ok" if database else "failing",
        version=tinct.__version__,
        database=database,
        queue=context.queues.works(),
    )


@router.get("/limits", summary="What may be sent", dependencies=[Depends(find_user)])
def limits(context: Surroundings) -> schemas.Limits:
    """Return what this server takes at most, so that nothing is sent in vain."""
    settings = context.settings
    return schemas.Limits(bytes=settings.upload_bytes, pixels=settings.upload_pixels, files=settings.upload_files)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    dependencies=[Depends(find_user)],
    response_class=Response,
    responses={200: {"description": "Figures as text.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(request: Request, context: Surroundings) -> Response:
    """Return how many requests were answered, how long they took, and how many jobs are in each state."""
    found = request.app.state.metrics
    found.note_jobs(context.repository.jobs.counts(), context.queues.sizes())
    return Response(generate_latest(found.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


@router.post("/session", status_code=204, summary="Log a browser in", responses={401: RESPONSES[401]})
def log_in(given: schemas.Session, request: Request, context: Surroundings) -> Response:
    """Exchange a token for a cookie that scripts can't read."""
    session = context.repository.users.log_in(given.token)
    if session is None:
        return problem(401, "this token is not known here")
    response = Response(status_code=204)
    set_cookie(response, request, session)
    return response


@router.get("/session", summary="How one came in")
def get_session(request: Request, user: User) -> schemas.LoggedIn:
    """Return whether a token was needed, so that a page can offer to log out."""
    return schemas.LoggedIn(by_token=user != request.app.state.local_user())


@router.delete("/session", status_code=204, summary="Log a browser out", dependencies=[Depends(find_user)])
def log_out(request: Request, context: Surroundings) -> Response:
    """Forget the browser's cookie."""
    context.repository.users.forget_session(request.cookies.get(cookie_name(request), ""))
    response = Response(status_code=204)
    response.delete_cookie(cookie_name(request))
    return response


def set_cookie(response: Response, request: Request, session: str) -> None:
    """Let a browser in from now on; other sites can't make it send this."""
    response.set_cookie(
        cookie_name(request),
        session,
        max_age=30 * 24 * 3600,
        httponly=True,
        samesite="strict",
        secure="https" in (request.url.scheme, request.headers.get("x-forwarded-proto")),
    )
