"""Loads one day's accounts export into the users history: what each account is expected to have, and since when.

**When**: daily at midnight UTC, for the new day; `bootstrap` triggers it for today. For past days use
`airflow backfill create --dag-id users_dimension --from-date 2026-01-01 --to-date 2026-01-31`, or a backfill in the UI.
Days may be loaded in any order. A day applies up to the next loaded day. Loading it again changes nothing; a corrected
export replaces the old one.

**What is normal**: `load_export` returns how many accounts were added, changed (another device, or what else is
compared) and closed from that day on. `changed_the_past` is skipped unless past look-ups changed: then it emits an
event of the asset `users_history`, so that the affected logs are rejudged. `./logsieve users KEY` prints an account's
history. If the contract has no dimension, all is skipped.

**When it is red**: nothing was loaded; the log has the file, the line and the remedy. The retries wait for a missing
export. Fix the file below the accounts folder (`ds=YYYY-MM-DD/accounts.csv`) and clear the task. An export that differs
too much from the nearest loaded day is refused as a whole. If it is right, accept that day once:
`./logsieve airflow dags trigger users_dimension --conf '{"accept": "2026-01-31"}'` loads it. In a backfill, `accept`
applies only to the run of its day.
"""

from contextlib import closing
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from airflow.sdk import ObjectStoragePath, Param, dag, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.settings import Settings
from plugins import assets
from plugins.house import SCHEDULED, UNATTENDED
from plugins.outside import Connections

outside = Connections()


@dag(
    schedule="@daily",
    **SCHEDULED | {"default_args": UNATTENDED | {"retry_delay": timedelta(seconds=5)}},
    params={
        "accept": Param(
            None,
            type=["null", "string"],
            format="date",
            maxLength=10,
            description="load the export of this day even if it differs too much",
        ),
    },
    doc_md=__doc__,
)
def users_dimension() -> None:
    @task
    def load_export(params: Any = None, logical_date: Any = None, dag_run: Any = None) -> dict[str, Any]:
        """Returns accounts added, changed and closed, and the history's version. A bad export fails without retry."""
        from include.contract import reading
        from include.users.export import ExportRefusedError
        from include.users.history import load_day
        from include.users.limits import Limits

        if reading.current().dimension is None:
            raise AirflowSkipException("The contract has no dimension: there is nothing to load.")
        settings = Settings()
        day = (logical_date or dag_run.run_after).date()
        accepted = date.fromisoformat(params["accept"]) if params["accept"] else None
        if accepted and dag_run.run_type == "manual":
            day = accepted
        path = ObjectStoragePath(settings.accounts_exports) / f"ds={day}" / "accounts.csv"
        most = (settings.accounts_most_changed, settings.accounts_most_closed, settings.accounts_most_added)
        limits = None if day == accepted else Limits(*most)
        try:
            with path.open("rb") as export, closing(outside.users()) as connection:
                return asdict(load_day(connection, day, export, str(path), limits))
        except FileNotFoundError:
            raise FileNotFoundError(f"{path} does not exist. Provide it; the retries wait for it.") from None
        except ExportRefusedError as error:
            raise AirflowFailException(str(error)) from None

    @task(outlets=[assets.USERS_HISTORY])
    def changed_the_past(loaded: Any, outlet_events: Any = None) -> None:
        """Emits an event if logs must be rejudged; else skipped."""
        from include.users.history import is_any_pending

        # Pending changes may also come from another load whose event was lost.
        with closing(outside.users()) as connection:
            if not is_any_pending(connection.cursor()):
                raise AirflowSkipException("No look-up changed: all verdicts remain valid.")
        outlet_events[assets.USERS_HISTORY].extra = loaded

    changed_the_past(load_export())


users_dimension()
