"""Users and what lets them in."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError

from tinct.db.session import Database
from tinct.db.tables import Token, User, now
from tinct.errors import Conflict, NotFound, OptionError

LEAST_LENGTH = 16
"""Characters of a token that somebody chose; a fast hash is no weakness where nobody can try them all."""
SESSION_SECONDS = 30 * 24 * 3600
"""How long a browser stays logged in."""


def hash_token(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Users:
    """Queries on users and tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

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

    def add_token(self, user_id: str, token: str | None = None, *, session_cookie: bool = False) -> str:
        """Let a client in by a token, and return that.

        Args:
            user_id: whose it is.
            token: chosen by somebody; None makes one of 256 bits.
            session_cookie: whether it is a browser's, which expires.

        Raises:
            OptionError: the token is too short to be safe.
        """
        if token is not None and len(token) < LEAST_LENGTH:
            raise OptionError(
                f"the token has {len(token)} characters; give at least {LEAST_LENGTH} that nobody guesses"
            )
        given = token or secrets.token_urlsafe(32)
        with self._database.write() as session:
            session.execute(delete(Token).where(Token.expires < now()))
            if session.scalar(select(Token.id).where(Token.hash == hash_token(given))) is None:
                row = Token(user_id=user_id, kind="session" if session_cookie else "token", hash=hash_token(given))
                if session_cookie:
                    row.expires = session.scalar(select(now() + SESSION_SECONDS))
                session.add(row)
        return given

    def set_token(self, name: str, token: str | None) -> None:
        """Let a user in by one token alone, the one of a server's settings; by none where that is None.

        Raises:
            OptionError: the token is too short to be safe.
        """
        user_id = self.ensure(name)
        if token is not None:
            self.add_token(user_id, token)
        kept = "" if token is None else hash_token(token)
        with self._database.write() as session:
            # Browsers that came in by the old one are out too.
            old = select(Token.id).where(Token.user_id == user_id, Token.kind == "token", Token.hash != kept)
            if session.scalar(old.limit(1)) is not None:
                session.execute(delete(Token).where(Token.user_id == user_id, Token.hash != kept))

    def by_token(self, token: str, kind: str) -> str | None:
        """Return the id of the user whom a token lets in, None for nobody."""
        with self._database.read() as session:
            return session.scalar(
                select(Token.user_id).where(
                    Token.hash == hash_token(token),
                    Token.kind == kind,
                    or_(Token.expires.is_(None), Token.expires >= now()),
                )
            )

    def forget_session(self, token: str) -> None:
        """Log a browser out."""
        with self._database.write() as session:
            session.execute(delete(Token).where(Token.hash == hash_token(token), Token.kind == "session"))

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
