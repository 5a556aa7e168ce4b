"""`gogobe serve`: the read-only HTTP service."""

import click

from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.extras import need_extra
from gogobe_dagster.commands.options import WholeNumber, check_port_is_free
from gogobe_dagster.settings import Settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=WholeNumber(1, 65535), help="Port to listen on."
)
def serve(host: str, port: int) -> None:
    """Serve prices over HTTP, read-only; Ctrl-C stops it.

    A page for people is at /, the description of the interface (OpenAPI) at /openapi.json; docs/service.md
    explains both. The service reads the views as gogobe_reader, which cannot change anything. Only this
    machine reaches it unless --host says otherwise; with GOGOBE_API_KEYS, every request needs a key.
    """
    need_extra("api", "fastapi")
    from gogobe_dagster.questions.reader import open_reader
    from gogobe_dagster.service.server import make_server

    check_port_is_free(port, host)
    settings = Settings.read()
    if not settings.reader_database_url:
        open_warehouse(settings).close()
    reader = open_reader(settings)
    try:
        click.echo(f"http://{host}:{port}")
        make_server(reader, settings, host=host, port=port).run()
    finally:
        reader.close()
