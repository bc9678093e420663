"""The page "Logs" in Airflow's UI: its navigation entry and its application (plugins/page/routes.py).

Every Airflow process loads this file; only the API server builds the application.
"""

from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/logs"


class LogsPage(AirflowPlugin):
    """The Airflow plugin."""

    name = "logs_page"

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The application, mounted below Airflow's own address."""
        from plugins.page.routes import Following

        return [{"app": Following(), "url_prefix": PREFIX, "name": "Logs"}]

    @cached_property
    def external_views(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The navigation entry, which shows the page in a frame."""
        from airflow.configuration import conf

        base = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
        return [
            {
                "name": "Logs",
                "href": f"{base}{PREFIX}/",
                "destination": "nav",
                "nav_top_level": True,
                "url_route": "logs-page",
                "icon": f"{base}{PREFIX}/assets/icon.svg",
                "icon_dark_mode": f"{base}{PREFIX}/assets/icon-dark.svg",
            }
        ]
