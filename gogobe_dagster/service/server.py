"""The HTTP server of the service: on loopback unless told otherwise, with limits on slow connections."""

import uvicorn

from gogobe_dagster.questions.reader import Reader, reader_url
from gogobe_dagster.service.app import make_app
from gogobe_dagster.service.guard import ImpatientProtocol
from gogobe_dagster.settings import Settings

HOST = "127.0.0.1"
PORT = 8000


def make_server(reader: Reader, settings: Settings, *, host: str = HOST, port: int = PORT) -> uvicorn.Server:
    """Return the server, not started."""
    config = uvicorn.Config(
        make_app(reader, keys=settings.keys),
        host=host,
        port=port,
        http=ImpatientProtocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=3,
        h11_max_incomplete_event_size=16_384,
    )
    return uvicorn.Server(config)


def open_reader(settings: Settings) -> Reader:
    """Connect as the reader. Raises `DatabaseUnavailable`, and `SettingsError` for a role that may write."""
    return Reader(reader_url(settings), statement_seconds=settings.api_statement_seconds)
