"""Where the page leads besides Airflow's runs: the asset graph, and what the settings name outside Airflow."""

import logging

from airflow.models.asset import AssetModel
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from include.names import LOGS_TOPIC
from include.settings import Settings
from plugins.page import runs

log = logging.getLogger(__name__)


def of(settings: Settings) -> dict[str, str]:
    """Addresses: `assets` within Airflow, `dashboard` and `lineage` outside it, empty if there is none."""
    return {"assets": _assets(), "dashboard": settings.metrics_dashboard, "lineage": settings.lineage_ui}


def _assets() -> str:
    """The page of the first asset, which has the graph; that of all assets if Airflow does not know it yet."""
    every = f"{runs.base()}/assets"
    try:
        with create_session() as session:
            found = session.scalar(select(AssetModel.id).where(AssetModel.name == LOGS_TOPIC))
    except SQLAlchemyError as error:
        log.warning("Airflow's metadata was not read, so the page links to all assets: %s", error)
        return every
    return every if found is None else f"{every}/{found}"
