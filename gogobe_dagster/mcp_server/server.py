"""The tools over standard input and output, or over HTTP behind the limits of the service."""

from collections.abc import Callable, Collection
from datetime import datetime
from importlib.metadata import version

import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.types import ASGIApp

from gogobe_dagster import clock
from gogobe_dagster.mcp_server.tools import Tools, add_tools
from gogobe_dagster.questions.reader import Reader
from gogobe_dagster.service.guard import Guard
from gogobe_dagster.service.server import configure

INSTRUCTIONS = """
Prices of Israel's supermarkets, as the chains publish them by law, in ILS with VAT. A price is what a chain
stated, not what a till charges: say when it was confirmed (`holds`), and name the conditions of an offer with
its price. Names are in Hebrew. Products are known by GTIN; nothing is matched by name.
"""


def make_mcp(reader: Reader, *, now: Callable[[], datetime] = clock.now) -> MCPServer:
    """Return the server with its tools."""
    server = MCPServer(
        "gogobe", instructions=INSTRUCTIONS.strip(), version=version("gogobe-dagster"), log_level="WARNING"
    )
    add_tools(server, Tools(reader, now))
    return server


def make_http_app(reader: Reader, *, host: str, keys: Collection[str]) -> ASGIApp:
    """Return the tools over HTTP, at /mcp."""
    app = make_mcp(reader).streamable_http_app(stateless_http=True, json_response=True, host=host)
    return Guard(app, keys=keys)


def make_http_server(reader: Reader, *, host: str, port: int, keys: Collection[str]) -> uvicorn.Server:
    """Return the HTTP server, not started."""
    app = make_http_app(reader, host=host, keys=keys)
    return uvicorn.Server(configure(app, host=host, port=port, lifespan="on"))
