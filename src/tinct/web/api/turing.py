"""Turing tests: made of photographs, taken by looking, scored as it goes. Which picture is which stays here."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Response

from tinct.db.artifacts import DATASET
from tinct.db.tables import Sitting
from tinct.db.tables import Vote as VoteRow
from tinct.errors import Conflict, NotFound, OptionError
from tinct.evaluation.trials import PICTURES, Showing, TrialSet, judge, next_showing, recall
from tinct.evaluation.turing import as_dict, score
from tinct.web import schemas, workshop
from tinct.web.api.common import Id, Surroundings, User, binary
from tinct.web.context import Context
from tinct.web.datasets import find_dataset
from tinct.web.training import TURING
from tinct.web.turing.making import check_data, delete_test, folder_of, load_test

router = APIRouter(prefix="/turing", tags=["turing"])


@router.get("", summary="List Turing tests")
def list_tests(context: Surroundings, user: User) -> list[workshop.TuringTest]:
    """Return the tests that can be taken, the newest first."""
    return [workshop.TuringTest.model_validate(test) for test in context.repository.tests.find(user)]


@router.post("", status_code=202, summary="Make a Turing test")
def add_test(given: workshop.NewTest, context: Surroundings, user: User) -> schemas.Job:
    """Make pairs of original and colorized photographs, as `tinct turing make` does; the test's id is the job's."""
    check_data(given.data)
    if find_dataset(context, given.data) is None:
        try:
            context.repository.artifacts.get(user, given.data, DATASET)
        except NotFound as error:
            raise OptionError(
                f"there is no data set {given.data!r}; upload one, or name one of this server's"
            ) from error
    for name in given.models:
        context.find_model(user, name)
    most = context.settings.queued
    job = context.repository.jobs.add(user, TURING, "train", given.model_dump(), most_queued=most)
    context.send(job)
    return schemas.Job.model_validate(job)


@router.delete("/{id}", status_code=204, summary="Delete a Turing test for good")
def remove_test(id: Id, context: Surroundings, user: User) -> None:
    """Delete a test, its pictures, and all answers."""
    context.repository.tests.delete(user, id)
    delete_test(context, id)


@router.get("/{id}/score", summary="The score so far")
def get_score(id: Id, context: Surroundings, user: User) -> dict[str, Any]:
    """Return how often each model's colors were taken for the real ones, with standard error and 95 % interval, and
    which sittings look as if somebody only clicked; those are left out."""
    context.repository.tests.get(user, id)
    trials = load_test(context, id)
    decks: dict[str, dict[str, Showing]] = {}
    votes = []
    for sitting, vote in context.repository.tests.votes_of(id):
        deck = decks.setdefault(sitting.id, {showing.trial.id: showing for showing in trials.deck(sitting.number)})
        votes.append(recall(sitting.id, deck[vote.trial], fooled=vote.fooled, seconds=vote.seconds))
    return as_dict(score(trials, votes))


@router.post("/{id}/sittings", status_code=201, summary="Begin a Turing test")
def sit(id: Id, context: Surroundings, user: User) -> workshop.Sitting:
    """Begin a way through a test, with an order of pairs of its own."""
    context.repository.tests.get(user, id)
    trials = load_test(context, id)
    return _state(context, context.repository.tests.sit(user, id), trials)


@router.get("/sittings/{id}", summary="How far a sitting is")
def get_sitting(id: Id, context: Surroundings, user: User) -> workshop.Sitting:
    """Return how far a sitting is, and which pair is next."""
    sitting = context.repository.tests.sitting(user, id)
    return _state(context, sitting, load_test(context, sitting.test_id))


@router.get(
    "/sittings/{id}/pairs/{number}/{place}",
    summary="A picture of the next pair",
    responses=binary("image/png"),
    response_class=Response,
)
def get_pair(id: Id, number: int, place: Literal["first", "second"], context: Surroundings, user: User) -> Response:
    """Return a picture, without name or date, which could tell which one it is."""
    sitting = context.repository.tests.sitting(user, id)
    showing = _due(context, sitting, load_test(context, sitting.test_id))
    if showing is None or showing.number != number:
        raise NotFound(f"pair {number} isn't the one to be shown")
    data = (folder_of(context, sitting.test_id) / PICTURES / showing.file(place)).read_bytes()
    return Response(data, media_type="image/png")


@router.post("/sittings/{id}/pairs/{number}", summary="Answer a pair")
def answer(id: Id, number: int, given: workshop.Answer, context: Surroundings, user: User) -> workshop.Answered:
    """Say in which picture of the next pair a computer made the colors."""
    sitting = context.repository.tests.sitting(user, id)
    trials = load_test(context, sitting.test_id)
    showing = _due(context, sitting, trials)
    if showing is None or showing.number != number:
        raise Conflict(f"pair {number} isn't the next one, perhaps it was answered in another tab")
    vote = judge(sitting.id, showing, given.choice, given.seconds)
    row = VoteRow(user_id=user, sitting_id=sitting.id, trial=vote.trial, model=showing.trial.model)
    row.fooled, row.seconds = vote.fooled, vote.seconds
    context.repository.tests.vote(row)
    right = not vote.fooled if showing.trial.kind == "practice" else None
    return workshop.Answered(right=right, sitting=_state(context, sitting, trials))


def _due(context: Context, sitting: Sitting, trials: TrialSet) -> Showing | None:
    answered = {vote.trial for vote in context.repository.tests.votes(sitting.id)}
    return next_showing(trials.deck(sitting.number), answered)


def _state(context: Context, sitting: Sitting, trials: TrialSet) -> workshop.Sitting:
    deck = trials.deck(sitting.number)
    answered = {vote.trial for vote in context.repository.tests.votes(sitting.id)}
    due = next_showing(deck, answered)
    return workshop.Sitting(
        id=sitting.id,
        test=sitting.test_id,
        answered=len(answered),
        total=len(deck),
        practice=len(trials.of("practice")),
        next=None if due is None else workshop.Pair(number=due.number, practice=due.trial.kind == "practice"),
    )
