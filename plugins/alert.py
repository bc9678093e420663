"""Alerts on failed tasks: always in the task's log, and in Slack and by e-mail if their connections exist."""

import html
from typing import Any, Final

from airflow.sdk import BaseHook, BaseNotifier, Connection, Context
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException, AirflowRuntimeError

SLACK: Final = "alerts_slack"
"""Connection whose password is the full URL of a Slack incoming webhook: Airflow masks passwords in logs."""
EMAIL: Final = "alerts_email"
"""Connection of the SMTP provider, with `to` (comma-separated addresses) and `from_email` in its extra."""
SECONDS: Final = 10
"""How long Slack may take."""


class NotSentError(Exception):
    """An alert was not sent; the message has the cause and the remedy."""


class Alert(BaseNotifier):
    """Use as `on_failure_callback` of a task, or of all tasks by `default_args`, where the error is available.

    As `on_failure_callback` of a DAG it would run elsewhere, without the error. While a task fails in consecutive
    scheduled runs, only the first failure of each hour is sent; every failure is logged.
    """

    def __init__(self, remedy: str = "") -> None:
        super().__init__()
        self.remedy = remedy

    def notify(self, context: Context) -> None:
        """Logs the alert, then sends it; a failure to send is logged as an error with the remedy."""
        title, text = self._compose(context)
        self.log.error("%s\n%s", title, text)
        if _was_sent_this_hour(context):
            self.log.info("Not sent: an earlier run of this hour failed too and sent an alert.")
            return
        for name, send in ((SLACK, _to_slack), (EMAIL, _by_email)):
            try:
                connection = BaseHook.get_connection(name)
            except AirflowNotFoundException:
                continue
            try:
                send(connection, title, text)
            except NotSentError as error:
                self.log.error("The alert was not sent through the connection %s: %s", name, error)
            else:
                self.log.info("The alert was sent through the connection %s.", name)

    def _compose(self, context: Context) -> tuple[str, str]:
        ti = context["ti"]
        # Missing if the task's process was killed; then this runs in the DAG processor.
        why = context.get("exception") or "Its process died without an error message."
        lines = [str(why), self.remedy, f"Log: {ti.log_url}"]
        return f"{ti.dag_id}: {ti.task_id} failed", "\n".join(line for line in lines if line)


def _was_sent_this_hour(context: Context) -> bool:
    """Whether the scheduled run before this one failed at the same task and within the same hour."""
    dag_run = context.get("dag_run")  # may be missing in the DAG processor
    if dag_run is None or dag_run.run_type != "scheduled":
        return False
    try:
        previous = context["ti"].get_previous_ti()
    except AirflowRuntimeError:
        return False  # rather one alert too many
    # A manual run, for example to test alerts, may have failed because of its params.
    if previous is None or previous.state != "failed" or not previous.run_id.startswith("scheduled__"):
        return False
    now, before = dag_run.logical_date, previous.logical_date
    return bool(now and before and now.replace(minute=0, second=0, microsecond=0) <= before)


def _to_slack(connection: Connection, title: str, text: str) -> None:
    import httpx

    # A log's text could mention people or channels: escaped, it is only text.
    words = html.escape(f"{title}\n{text}", quote=False)
    try:
        answer = httpx.post(connection.password or "", json={"text": words, "mrkdwn": False}, timeout=SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotSentError(
            f"{type(error).__name__}: {error}. Is its password the URL of an incoming webhook, and is Slack reachable?"
        ) from error
    if not answer.is_success:
        raise NotSentError(
            f"Slack answered {answer.status_code} {answer.text[:100]!r}. Create a new webhook; its URL is the password."
        )


def _by_email(connection: Connection, title: str, text: str) -> None:
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    extra: dict[str, Any] = connection.extra_dejson
    if not extra.get("to") or not extra.get("from_email"):
        raise NotSentError("Its extra lacks `to` or `from_email`. Add the addresses.")
    try:
        with SmtpHook(EMAIL) as hook:
            hook.send_email_smtp(
                to=extra["to"],
                from_email=extra["from_email"],
                subject=f"Logsieve: {title}",
                html_content=f"<pre>{html.escape(text)}</pre>",
            )
    # smtplib raises OSErrors, a wrong `ssl_context` a RuntimeError.
    except (AirflowException, OSError, RuntimeError) as error:
        raise NotSentError(
            f"{type(error).__name__}: {error}. Check host, port, login and password. Port 587 needs"
            ' {"disable_ssl": true} in the extra, port 465 {"disable_tls": true}, a server without TLS both.'
        ) from error
