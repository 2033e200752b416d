"""The commands that run the web app: serve, worker, token."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tinct.db.users import Users
    from tinct.settings import ServerSettings

token = typer.Typer(help="Say who may use a server.", no_args_is_help=True)

DataDir = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of the database, the queue and all files. Not given: the user's."),
]


def serve(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 is everywhere.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0 takes one that is free.")] = 8000,
    data_dir: DataDir = None,
    token: Annotated[
        str | None,
        typer.Option(metavar="TOKEN", help="Lets clients in; better in TINCT_TOKEN, where other users don't see it."),
    ] = None,
    insecure_no_auth: Annotated[
        bool,
        typer.Option(
            "--insecure-no-auth",
            help="Whoever reaches the address may see, use and delete everything; only for networks that you trust.",
        ),
    ] = False,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Leave the work to tinct worker, run elsewhere.")
    ] = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Run the web app: its page and its API.

    By itself it serves this machine alone, keeps everything in one folder, and brings its worker. SIGTERM or Ctrl-C
    stops it; what isn't done then is done when it is started again.
    """
    settings = _settings(data_dir, "tinct serve", token)
    from tinct.errors import OptionError
    from tinct.web.launch import serve as run
    from tinct.web.security import Access, is_loopback

    if settings.token is not None and insecure_no_auth:
        raise OptionError("--token and --insecure-no-auth contradict each other; give one")
    tokens = settings.token is not None or bool(_users(settings).with_tokens())
    if not is_loopback(host) and not tokens and not insecure_no_auth:
        raise OptionError(
            f"at {host} others reach the server: give a token (TINCT_TOKEN, --token or tinct token add NAME), or "
            "--insecure-no-auth, by which whoever reaches it may see, use and delete everything"
        )

    def ready(address: str) -> None:
        typer.echo(f"Tinct is at {address} (Ctrl-C stops it)", err=True)
        if insecure_no_auth and not is_loopback(host):
            typer.secho("Whoever reaches it may see, use and delete everything.", fg="yellow", err=True)
        if open_page:
            typer.launch(address)

    access = Access(host=host, insecure=insecure_no_auth, token=tokens)
    run(settings, access, port, worker=not no_worker, ready=ready)


def worker(
    data_dir: DataDir = None,
    with_parent: Annotated[bool, typer.Option("--with-parent", help="End when standard input does.")] = False,
) -> None:
    """Do the jobs of servers.

    They have the same database, queue and files. Run as many as there are machines; a job whose worker is killed goes
    to another. SIGTERM or Ctrl-C stops it.
    """
    settings = _settings(data_dir, "tinct worker")
    from tinct.web.launch import work

    work(settings, with_parent=with_parent)


@token.command("add", no_args_is_help=True)
def add_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the user, whose things are apart from others'.")],
    data_dir: DataDir = None,
) -> None:
    """Make a token for a user and print it.

    It is shown this once, for only its hash is kept.
    """
    users = _users(_settings(data_dir, "tinct token"))
    typer.echo(users.add_token(users.ensure(name)))


@token.command("list")
def list_command(data_dir: DataDir = None) -> None:
    """List the users who have a token."""
    for name in _users(_settings(data_dir, "tinct token")).with_tokens():
        typer.echo(name)


@token.command("remove", no_args_is_help=True)
def remove_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the user.")], data_dir: DataDir = None
) -> None:
    """Keep a user out from now on; what is theirs stays."""
    _users(_settings(data_dir, "tinct token")).remove_tokens(name)


def _settings(data_dir: Path | None, command: str, token: str | None = None) -> ServerSettings:
    """Read the settings, once it is clear that the libraries of the web app are there."""
    import dataclasses

    from tinct.errors import MissingExtra
    from tinct.settings import load_server_settings

    if any(importlib.util.find_spec(name) is None for name in ("fastapi", "uvicorn", "sqlalchemy", "huey", "alembic")):
        raise MissingExtra(command, "web")
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    settings = load_server_settings(data_dir)
    return settings if token is None else dataclasses.replace(settings, token=token)


def _users(settings: ServerSettings) -> Users:
    from tinct.db.repository import Repository
    from tinct.web.storage import said

    with said(settings.data):
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    repository = Repository(settings.database_url, settings.token)
    repository.migrate()
    return repository.users
