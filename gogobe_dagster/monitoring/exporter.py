"""Serves the metrics over HTTP, on loopback only."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from gogobe_dagster import clock
from gogobe_dagster.errors import SettingsError
from gogobe_dagster.settings import Settings

HOST = "127.0.0.1"


def check_metrics_port(settings: Settings) -> None:
    """Raise `SettingsError` if nothing can listen on the port that is set."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, settings.metrics_port))
    except OSError as error:
        raise SettingsError(
            f"GOGOBE_METRICS_PORT={settings.metrics_port}: cannot be used on {HOST} ({error.strerror})"
        ) from None


@contextmanager
def metrics_served(settings: Settings) -> Iterator[None]:
    """Serve them in a thread of this process, if a port is set."""
    if not settings.metrics_port:
        yield
        return
    from prometheus_client import CollectorRegistry, start_http_server

    from gogobe_dagster.monitoring.metrics import Exporter

    registry = CollectorRegistry()
    exporter = Exporter(settings, clock.now)
    registry.register(exporter)
    server, thread = start_http_server(settings.metrics_port, HOST, registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        exporter.close()
