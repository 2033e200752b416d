"""Who is let in: by tokens that are kept, by the one of a server's settings, by a browser's cookie."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tinct.db.repository import Repository
from tinct.db.users import OWNER, Users
from tinct.errors import OptionError

OLD, NEW = "the first long token", "another long token"


@pytest.fixture
def users_of(repository_of: Callable[[], Repository]) -> Callable[[str | None], Users]:
    """Returns a function that gives the users as a server sees them whose settings have a token."""
    return lambda token: Users(repository_of().database, token)


def test_a_token_of_the_settings_counts_as_long_as_they_have_it(users_of: Callable[[str | None], Users]) -> None:
    first, without, second = (users_of(token) for token in (OLD, None, NEW))
    cookie = first.log_in(OLD)
    assert cookie is not None
    assert first.by_token(OLD) == first.by_session(cookie) == first.ensure(OWNER)
    for other in (without, second):
        assert (other.by_token(OLD), other.by_session(cookie), other.log_in(OLD)) == (None, None, None)
    # What others had to say changed nothing for the server that has it.
    assert first.by_session(cookie) == first.ensure(OWNER)
    first.forget_session(cookie)
    assert first.by_session(cookie) is None


def test_who_knows_an_old_token_and_its_cookie_stays_out(users_of: Callable[[str | None], Users]) -> None:
    first, second = users_of(OLD), users_of(NEW)
    cookie = first.log_in(OLD)
    assert cookie is not None
    for guess in (cookie, cookie + OLD, OLD + cookie, OLD, ""):
        assert second.by_session(guess) is None


def test_a_token_made_for_the_owner_stays(users_of: Callable[[str | None], Users]) -> None:
    first, without, second = (users_of(token) for token in (OLD, None, NEW))
    owner = first.ensure(OWNER)
    token = first.add_token(owner)
    cookie = first.log_in(token)
    assert cookie is not None
    for server in (first, without, second):
        assert server.by_token(token) == server.by_session(cookie) == owner
        assert server.with_tokens() == [OWNER]
    assert without.by_session(token) is None
    assert without.by_token(cookie) is None
    without.remove_tokens(OWNER)
    assert (first.by_token(token), first.by_session(cookie)) == (None, None)


def test_a_token_that_is_soon_guessed_is_refused(repository_of: Callable[[], Repository]) -> None:
    with pytest.raises(OptionError, match="has 5 characters; give at least 16"):
        Users(repository_of().database, "short")
