"""Tells people that a task failed: in its log always, in Slack and by e-mail where there is a connection for it."""

import html
from typing import Any, Final

from airflow.sdk import BaseHook, BaseNotifier, Connection, Context
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException, AirflowRuntimeError

SLACK: Final = "alerts_slack"
"""Connection whose password is the whole URL of a Slack incoming webhook: Airflow hides passwords in logs."""
EMAIL: Final = "alerts_email"
"""Connection of the SMTP provider, with `to` (addresses, by commas) and `from_email` in its extra."""
SECONDS: Final = 10
"""How long Slack may take."""


class NotSentError(Exception):
    """An alert did not leave: why, and what to do."""


class Alert(BaseNotifier):
    """For `on_failure_callback` of a task, or of all by `default_args`; there it knows what the task failed of.

    As `on_failure_callback` of a DAG it would run elsewhere, and know only that some task failed. While the task is red
    in one scheduled run after another, only the first of each hour is sent; every one is in its log.
    """

    def __init__(self, remedy: str = "") -> None:
        super().__init__()
        self.remedy = remedy

    def notify(self, context: Context) -> None:
        """Logs the alert first, then sends it; what cannot be sent is an error in the log, with the remedy."""
        title, text = self._words(context)
        self.log.error("%s\n%s", title, text)
        if _is_known(context):
            self.log.info("Not sent: an earlier run of this hour failed too, and said so.")
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

    def _words(self, context: Context) -> tuple[str, str]:
        ti = context["ti"]
        # A task whose process was killed has none; then this runs in the DAG processor.
        why = context.get("exception") or "Its process ended without a word."
        lines = [str(why), self.remedy, f"Log: {ti.log_url}"]
        return f"{ti.dag_id}: {ti.task_id} failed", "\n".join(line for line in lines if line)


def _is_known(context: Context) -> bool:
    """Whether the scheduled run before this one failed at the same task and within the same hour."""
    dag_run = context.get("dag_run")  # the DAG processor may not know it
    if dag_run is None or dag_run.run_type != "scheduled":
        return False
    try:
        previous = context["ti"].get_previous_ti()
    except AirflowRuntimeError:
        return False  # better an alert too many
    # One by hand, as to try the alerts, may have failed of what it was given.
    if previous is None or previous.state != "failed" or not previous.run_id.startswith("scheduled__"):
        return False
    now, before = dag_run.logical_date, previous.logical_date
    return bool(now and before and now.replace(minute=0, second=0, microsecond=0) <= before)


def _to_slack(connection: Connection, title: str, text: str) -> None:
    import httpx

    # An example of a log could name people or channels: escaped, it is only text.
    words = html.escape(f"{title}\n{text}", quote=False)
    try:
        answer = httpx.post(connection.password or "", json={"text": words, "mrkdwn": False}, timeout=SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotSentError(
            f"{type(error).__name__}: {error}. Is its password the URL of an incoming webhook, and is the way open?"
        ) from error
    if not answer.is_success:
        raise NotSentError(
            f"Slack answered {answer.status_code} {answer.text[:100]!r}. Make a new webhook, its URL is the password."
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
    # smtplib's own errors are OSErrors; a wrong `ssl_context` is a RuntimeError.
    except (AirflowException, OSError, RuntimeError) as error:
        raise NotSentError(
            f"{type(error).__name__}: {error}. Check host, port, login and password. Port 587 wants"
            ' {"disable_ssl": true} in the extra, port 465 {"disable_tls": true}, a server without TLS both.'
        ) from error
