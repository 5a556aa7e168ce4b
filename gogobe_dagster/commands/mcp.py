"""`gogobe mcp`: the questions as tools for language models."""

import click

from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.extras import need_extra
from gogobe_dagster.commands.options import WholeNumber, check_port_is_free
from gogobe_dagster.settings import Settings


@click.command()
@click.option("--http", is_flag=True, help="Listen on a port, instead of standard input and output.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on, with --http.")
@click.option(
    "--port",
    default=8001,
    show_default=True,
    type=WholeNumber(1, 65535),
    help="Port to listen on, with --http.",
)
def mcp(*, http: bool, host: str, port: int) -> None:
    """Offer prices as tools to language models (MCP).

    A program such as an assistant starts this command and asks it over standard input and output. With --http
    it answers at http://HOST:PORT/mcp, to everybody or, with GOGOBE_API_KEYS, to those who have a key. The
    tools read as gogobe_reader, which cannot change anything; docs/mcp.md lists them.
    """
    need_extra("mcp", "mcp")
    from gogobe_dagster.mcp_server.server import make_http_server, make_mcp
    from gogobe_dagster.questions.reader import open_reader

    if http:
        check_port_is_free(port, host)
    settings = Settings.read()
    if not settings.reader_database_url:
        open_warehouse(settings).close()
    reader = open_reader(settings)
    try:
        if http:
            click.echo(f"http://{host}:{port}/mcp", err=True)
            make_http_server(reader, host=host, port=port, keys=settings.keys).run()
        else:
            make_mcp(reader).run("stdio")
    finally:
        reader.close()
