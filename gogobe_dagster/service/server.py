"""The HTTP server of the service: on loopback unless told otherwise, with limits on slow connections."""

from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from gogobe_dagster.questions.reader import Reader
from gogobe_dagster.service.app import make_app
from gogobe_dagster.service.guard import ImpatientProtocol
from gogobe_dagster.settings import Settings

HOST = "127.0.0.1"
PORT = 8000


def make_server(reader: Reader, settings: Settings, *, host: str = HOST, port: int = PORT) -> uvicorn.Server:
    """Return the server, not started."""
    app = make_app(reader, keys=settings.keys)
    return uvicorn.Server(configure(app, host=host, port=port))


def configure(
    app: ASGIApp, *, host: str, port: int, lifespan: Literal["on", "off"] = "off"
) -> uvicorn.Config:
    """Return how an application of ours is served."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=ImpatientProtocol,
        loop="auto",
        ws="none",
        lifespan=lifespan,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=3,
    )
