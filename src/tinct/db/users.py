"""Users and what lets them in."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.exc import IntegrityError

from tinct.db.session import Database
from tinct.db.tables import Token, User, now
from tinct.errors import Conflict, NotFound, OptionError

OWNER = "owner"
"""Whom the token of a server's settings lets in."""
LEAST_LENGTH = 16
"""Characters of a token that somebody chose; a fast hash is no weakness where nobody can try them all."""
SESSION_SECONDS = 30 * 24 * 3600
"""How long a browser stays logged in."""


def hash_token(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _hash_cookie(cookie: str, token: str | None) -> str:
    """Return what is kept of a cookie: it is worth nothing without the settings' token, where it came by that."""
    return hash_token(cookie) if token is None else hmac.new(token.encode(), cookie.encode(), "sha256").hexdigest()


class Users:
    """Queries on users and tokens.

    Args:
        database: where they are kept.
        token: of the server's settings; it isn't kept, so it counts as long as the settings have it.

    Raises:
        OptionError: the token is too short to be safe.
    """

    def __init__(self, database: Database, token: str | None = None) -> None:
        if token is not None and len(token) < LEAST_LENGTH:
            raise OptionError(
                f"the token has {len(token)} characters; give at least {LEAST_LENGTH} that nobody guesses"
            )
        self._database, self._token = database, token

    def ensure(self, name: str) -> str:
        """Return the id of the user of a name, who is made where missing."""
        for _ in range(2):
            with self._database.read() as session:
                found = session.scalar(select(User.id).where(User.name == name))
            if found is not None:
                return found
            try:
                with self._database.write() as session:
                    user = User(name=name)
                    session.add(user)
                    session.flush()
                    return user.id
            except IntegrityError:
                continue  # another server made it meanwhile
        raise Conflict(f"the user {name} can't be made; try again")

    def add_token(self, user_id: str) -> str:
        """Let programs in by a new token, and return that."""
        token = secrets.token_urlsafe(32)
        with self._database.write() as session:
            session.add(Token(user_id=user_id, kind="token", hash=hash_token(token)))
        return token

    def by_token(self, token: str) -> str | None:
        """Return the id of the user whom a token lets in, None for nobody."""
        if self._is_own(token):
            return self.ensure(OWNER)
        with self._database.read() as session:
            return session.scalar(select(Token.user_id).where(Token.hash == hash_token(token), Token.kind == "token"))

    def log_in(self, token: str) -> str | None:
        """Let a browser in by a token, and return what its cookie has to say; None where it lets nobody in."""
        user_id = self.by_token(token)
        return None if user_id is None else self._add_session(user_id, self._token if self._is_own(token) else None)

    def add_session(self, user_id: str) -> str:
        """Let a browser in without a token, and return what its cookie has to say."""
        return self._add_session(user_id, None)

    def _add_session(self, user_id: str, own: str | None) -> str:
        cookie = secrets.token_urlsafe(32)
        with self._database.write() as session:
            session.execute(delete(Token).where(Token.expires < now()))
            expires = session.scalar(select(now() + SESSION_SECONDS))
            session.add(Token(user_id=user_id, kind="session", hash=_hash_cookie(cookie, own), expires=expires))
        return cookie

    def by_session(self, cookie: str) -> str | None:
        """Return the id of the user whom a browser's cookie speaks for, None for nobody."""
        with self._database.read() as session:
            return session.scalar(select(Token.user_id).where(self._is_session(cookie), Token.expires >= now()))

    def forget_session(self, cookie: str) -> None:
        """Log a browser out."""
        with self._database.write() as session:
            session.execute(delete(Token).where(self._is_session(cookie)))

    def _is_own(self, token: str) -> bool:
        return self._token is not None and hmac.compare_digest(hash_token(token), hash_token(self._token))

    def _is_session(self, cookie: str) -> ColumnElement[bool]:
        return and_(Token.kind == "session", Token.hash.in_(_hash_cookie(cookie, by) for by in {None, self._token}))

    def with_tokens(self) -> list[str]:
        """Return the names of the users who have a token for programs, sorted."""
        with self._database.read() as session:
            query = select(User.name).where(User.id.in_(select(Token.user_id).where(Token.kind == "token")))
            return sorted(session.scalars(query))

    def remove_tokens(self, name: str) -> None:
        """Keep a user out from now on, whose things stay.

        Raises:
            NotFound: nobody has that name.
        """
        with self._database.write() as session:
            user_id = session.scalar(select(User.id).where(User.name == name))
            if user_id is None:
                raise NotFound(f"no user is named {name}")
            session.execute(delete(Token).where(Token.user_id == user_id))
