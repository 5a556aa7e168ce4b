"""Dagster's web server behind `web_guard`: `python -m gogobe_dagster.dagster_runtime.web_server`.

It takes the options of `dagster-webserver`, and serves the daily reports as well. Which hosts are allowed and
whether a password is needed comes from the settings.
"""

from typing import Any

from dagster_webserver import cli
from dagster_webserver.app import create_app_from_workspace_process_context

from gogobe_dagster.dagster_runtime.report_pages import ReportPages
from gogobe_dagster.dagster_runtime.web_guard import WebGuard
from gogobe_dagster.settings import Settings


def main() -> None:
    """Serve until a signal arrives. Raises `SettingsError`."""
    settings = Settings.read()

    def create_app(*arguments: Any, **options: Any) -> WebGuard:
        app = create_app_from_workspace_process_context(*arguments, **options)
        pages = ReportPages(app, settings.reports_folder)
        return WebGuard(pages, hosts=settings.allowed_hosts, password=settings.web_password)

    # Its command offers no place for a middleware; a test sends forged requests to the process.
    vars(cli)[create_app_from_workspace_process_context.__name__] = create_app
    cli.main()  # type: ignore[no-untyped-call]  # Dagster's


if __name__ == "__main__":
    main()
