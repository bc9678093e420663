"""The page "Logs" in Airflow: the rights to view it and to act, and that it shows what the servers have."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from include.names import MAX_RAW, STATUSES, TABLES
from include.page.counts import SETTLED_SECONDS
from tests.integration.stack import DASHBOARD, LINEAGE_UI, Stack, until, wait_until_it_loads

ROUTES = [
    "",
    "assets/page.js",
    "assets/icon.svg",
    "assets/vendor/uPlot.iife.min.js",
    "data/me",
    "data/summary",
    "data/hops",
    "data/logs",
    "data/log/0-0",
]
ACTIONS: dict[str, dict[str, Any]] = {
    "backfill": {"from": "2026-01-01", "to": "2026-01-02"},
    "rejudge": {"account": 684},
    "reconcile": {},
    "stop": {},
    "start": {},
}
OURS = {"X-Requested-With": "logsieve"}
ENDED = ("success", "failed", "skipped")


def page(stack: Stack, user: str | None) -> httpx.Client:
    """A client like a browser, logged in with the cookie that Airflow's frame sends."""
    client = httpx.Client(base_url=f"{stack.env.airflow_url}/logs/", timeout=60)
    if user:
        login = {"username": user, "password": stack.passwords[f"airflow_{user}"]}
        token = client.post(f"{stack.env.airflow_url}/auth/token", json=login).raise_for_status().json()
        client.cookies.set("_token", token["access_token"])
    return client


@pytest.fixture(scope="module")
def admin(stack: Stack) -> httpx.Client:
    return page(stack, "admin")


@pytest.fixture(scope="module")
def viewer(stack: Stack) -> httpx.Client:
    return page(stack, "viewer")


def text(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def get(client: httpx.Client, path: str, **query: Any) -> dict[str, Any]:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


def act(client: httpx.Client, name: str, body: dict[str, Any] | None = None) -> httpx.Response:
    return client.post(f"actions/{name}", json=ACTIONS[name] if body is None else body, headers=OURS)


def until_they_ended(client: httpx.Client, stack: Stack, started: dict[str, Any], seconds: float = 180) -> set[str]:
    """Waits until the runs that an action started have ended; returns their states."""

    def state(run: dict[str, str]) -> str:
        path = f"{stack.env.airflow_url}/api/v2/dags/{started['dag_id']}/dagRuns/{run['run_id']}"
        return str(client.get(path).raise_for_status().json()["state"])

    for run in started["runs"]:
        assert run["link"].startswith(f"/dags/{started['dag_id']}/runs/")
        until(lambda run=run: state(run) in ENDED, seconds, f"{run['run_id']} of {started['dag_id']} has ended")
    return {state(run) for run in started["runs"]}


def log(stack: Stack, **changes: Any) -> bytes:
    fields = {"event_id": "page", "account_id": "684", "event_type": "other", "device": stack.first_device(684)}
    fields |= {"location_country": "FR", "event_timestamp": "1619724510"}
    return json.dumps(fields | changes).encode()


def rows(stack: Stack, begin: datetime, end: datetime) -> dict[str, int]:
    where = "received_at >= %s AND received_at < %s"
    times = (begin.replace(tzinfo=None), end.replace(tzinfo=None))
    return {
        status: stack.root_sql(f"SELECT COUNT(*) FROM logs.{TABLES[status]} WHERE {where}", times)[0][0]
        for status in STATUSES
    }


@pytest.mark.parametrize("path", ROUTES)
def test_without_a_login_nothing_is_served(stack: Stack, path: str) -> None:
    with page(stack, None) as client:
        answer = client.get(path)
        assert answer.status_code == 401
        assert answer.json().keys() == {"error", "remedy"}
        client.cookies.set("_token", "forged")
        assert client.get(path).status_code in (401, 403)


@pytest.mark.parametrize("name", ACTIONS)
def test_actions_need_a_login_and_the_right_and_the_same_site(
    stack: Stack, viewer: httpx.Client, admin: httpx.Client, name: str
) -> None:
    with page(stack, None) as client:
        assert act(client, name).status_code == 401
    assert act(viewer, name).status_code == 403
    body = ACTIONS[name]
    foreign = {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://elsewhere.example"}, {"X-Requested-With": ""}
    for headers in foreign:
        assert admin.post(f"actions/{name}", json=body, headers=OURS | headers).status_code == 403


@pytest.mark.parametrize("path", ROUTES)
def test_a_viewer_sees_every_route(viewer: httpx.Client, path: str) -> None:
    answer = viewer.get(path)
    assert answer.status_code == 200, answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    if path.startswith("assets"):
        assert viewer.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_it_returns_whether_the_user_may_act(viewer: httpx.Client, admin: httpx.Client) -> None:
    for user, may_act in ((viewer, False), (admin, True)):
        found = get(user, "data/me")
        assert found.pop("links").keys() == {"assets", "dashboard", "lineage"}
        assert found == {"name": "admin" if may_act else "viewer", "may_act": may_act}


def test_it_links_to_the_asset_graph_and_to_what_the_settings_name(viewer: httpx.Client, stack: Stack) -> None:
    links = get(viewer, "data/me")["links"]
    assert (links["dashboard"], links["lineage"]) == (DASHBOARD, LINEAGE_UI)
    found = viewer.get(f"{stack.env.airflow_url}/api/v2{links['assets']}").raise_for_status().json()
    assert found["name"] == "server-logs"


def test_the_navigation_has_the_page(viewer: httpx.Client, admin: httpx.Client, stack: Stack) -> None:
    found = admin.get(f"{stack.env.airflow_url}/api/v2/plugins").raise_for_status().json()["plugins"]
    (ours,) = [plugin for plugin in found if plugin["name"] == "logs_page"]
    (view,) = ours["external_views"]
    assert (view["name"], view["destination"]) == ("Logs", "nav")
    assert viewer.get(f"{stack.env.airflow_url}{view['href']}").status_code == 200
    assert viewer.get(f"{stack.env.airflow_url}{view['icon']}").headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize("name", ["..%2fhouse.py", "../house.py", "house.py", "%2e%2e/house.py", "vendor/other.js"])
def test_no_other_file_is_served(viewer: httpx.Client, name: str) -> None:
    assert viewer.get(f"assets/{name}").status_code == 404


def test_the_totals_of_a_closed_range_match_mysql(stack: Stack, viewer: httpx.Client) -> None:
    wait_until_it_loads(stack)
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=5)  # closed: not up to now, in whole seconds
    begin = end - timedelta(seconds=50, milliseconds=123)  # within a bucket
    until(
        lambda: _newest(viewer, "MySQL") > end and _newest(viewer, "Elasticsearch") > end, 60, "all logs are everywhere"
    )

    def counted() -> bool:
        found = get(viewer, "data/summary", **{"from": text(begin), "to": text(end)})
        assert (found["source"], found["notice"], found["from"]) == ("elasticsearch", None, text(begin)[:-4] + "Z")
        assert {s: sum(b[n + 1] for b in found["buckets"]) for n, s in enumerate(STATUSES)} == found["totals"]
        return bool(found["totals"] == rows(stack, begin, end) and found["totals"]["good"] > 0)

    until(counted, 60, "the totals match MySQL")
    found = get(viewer, "data/summary", **{"from": text(begin), "to": text(end)})
    assert sum(n for _, n in found["tops"]["location_country"]) == found["totals"]["suspicious"]
    reasons = [n for _, n in found["tops"]["reasons"]]
    assert reasons == sorted(reasons, reverse=True)
    bad = get(viewer, "data/summary", **{"from": text(begin), "to": text(end), "status": "bad"})
    assert bad["totals"] == {"good": 0, "bad": found["totals"]["bad"], "suspicious": 0}


def test_a_correction_of_an_old_log_is_counted_at_the_next_refresh(stack: Stack, viewer: httpx.Client) -> None:
    (origin,) = stack.send([log(stack, event_id="corrected", device="PAGE-CORRECTED")])
    key = f"{origin[0]}-{origin[1]}"

    def totals(device: str = "PAGE-CORRECTED") -> dict[str, int]:
        return dict(get(viewer, "data/summary", device=device)["totals"])

    until(lambda: totals()["suspicious"] == 1, 60, "it is counted")
    until(lambda: _age(stack, key) > 2 * SETTLED_SECONDS, 60, "its part of the range has settled")
    assert totals()["suspicious"] == 1
    document, place = stack.document(key), stack.place(key)
    stack.search(f"{place}?refresh=true", document | {"status": "good", "reasons": []}, "PUT")
    try:
        until(lambda: totals() == {"good": 1, "bad": 0, "suspicious": 0}, 4, "its correction is counted")
    finally:
        stack.search(f"{place}?refresh=true", document, "PUT")
    until(lambda: totals()["suspicious"] == 1, 4, "the next correction is counted too")


def test_filters_apply_and_the_list_has_pages(stack: Stack, viewer: httpx.Client) -> None:
    origins = stack.send([log(stack, event_id=f"filter-{n}", device="PAGE-FRIDGE") for n in range(5)])
    keys = [f"{partition}-{offset}" for partition, offset in origins]

    def listed(**query: Any) -> list[dict[str, Any]]:
        return list(get(viewer, "data/logs", device="PAGE-FRIDGE", **query)["logs"])

    until(lambda: len(listed()) == 5, 60, "all five are in the list")
    assert sorted(each["origin"] for each in listed()) == sorted(keys)
    assert [each["received_at"] for each in listed()] == sorted((e["received_at"] for e in listed()), reverse=True)
    assert {each["status"] for each in listed()} == {"suspicious"}
    seen, before = [], None
    while True:
        found = get(viewer, "data/logs", device="PAGE-FRIDGE", size=2, **({"before": before} if before else {}))
        seen += [each["origin"] for each in found["logs"]]
        before = found["next"]
        if before is None:
            break
    assert sorted(seen) == sorted(keys), "each once"
    of_france = {"location_country": "FR", "reason": "unexpected_device"}
    summary = get(viewer, "data/summary", device="PAGE-FRIDGE", account_id=684, **of_france)
    assert summary["totals"] == {"good": 0, "bad": 0, "suspicious": 5}
    assert (summary["tops"]["device"], summary["tops"]["account_id"]) == ([["PAGE-FRIDGE", 5]], [[684, 5]])
    assert listed(status="good") == listed(account_id=685) == listed(location_country="XX") == []


def test_a_log_is_found_by_event_account_or_origin(stack: Stack, viewer: httpx.Client) -> None:
    account = -1_234_567_890
    (origin,) = stack.send([log(stack, event_id="needle-4711", account_id=str(account))])
    key = f"{origin[0]}-{origin[1]}"

    def found(word: str, **query: Any) -> list[str]:
        return [each["origin"] for each in get(viewer, "data/logs", search=word, **query)["logs"]]

    until(lambda: found(key) == [key], 60, "it is indexed")
    assert found("needle-4711") == found("needle-4") == found(str(account)) == [key]
    assert found("needle-5") == found("ne") == found("0-999999999999") == []
    assert found(key, **{"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}) == [key]
    story = get(viewer, f"data/log/{key}")
    assert (story["origin"], story["status"], list(story["reasons"])) == (key, "suspicious", ["unknown_account"])
    for wrong in ("0-999999999999", "nothing", "999-0"):
        answer = viewer.get(f"data/log/{wrong}")
        assert answer.status_code == 404
        assert answer.json()["error"]
        assert answer.json()["remedy"]


def test_a_hostile_log_is_only_data(stack: Stack, viewer: httpx.Client) -> None:
    markup = "<script>alert(1)</script>\"'&\u202e\x00\x1b[31m"
    raw = markup.encode() + b"\xff" + b"<" * (MAX_RAW - 100)
    device = "<img src=x onerror=alert(1)>"
    bad, suspicious = stack.send([raw, log(stack, event_id="<svg onload=alert(2)>", device=device)])

    def one(origin: tuple[int, int]) -> Any:
        answer = viewer.get("data/logs", params={"search": f"{origin[0]}-{origin[1]}"})
        assert answer.headers["content-type"] == "application/json"
        return next(iter(answer.json()["logs"]), None)

    until(lambda: one(bad) and one(suspicious), 60, "both are indexed")
    assert base64.b64decode(one(bad)["raw"]) == raw[:400]
    assert (one(bad)["raw_size"], one(bad)["reasons"]) == (len(raw), ["not_json"])
    assert (one(suspicious)["device"], one(suspicious)["raw"]) == (device, None)
    story = get(viewer, f"data/log/{bad[0]}-{bad[1]}")
    assert base64.b64decode(story["log"]["raw"]) == raw
    assert story["log"]["text"].isprintable()
    assert get(viewer, "data/summary", device=device)["totals"]["suspicious"] == 1


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("summary", {"from": "yesterday"}),
        ("summary", {"from": "2026-01-01T00:00:00Z", "to": "2026-02-02T00:00:00Z"}),
        ("summary", {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}),
        ("summary", {"from": "0001-01-01T00:00:00Z", "to": "0001-01-01T00:00:01Z"}),
        ("summary", {"status": "<script>"}),
        ("summary", {"account_id": "2147483648"}),
        ("summary", {"account": "684"}),
        ("summary", {"event_type": "login"}),
        ("summary", {"<script>": "1"}),
        ("summary", {"device": "x" * 1001}),
        ("summary", {"device": ["x"] * 51}),
        ("logs", {"size": 201}),
        ("logs", {"size": 0}),
        ("logs", {"before": "1; DROP TABLE"}),
        ("logs", {"search": "x" * 65}),
    ],
)
def test_invalid_queries_get_a_remedy(viewer: httpx.Client, path: str, query: dict[str, Any]) -> None:
    answer = viewer.get(f"data/{path}", params=query)
    assert answer.status_code == 422
    assert answer.json().keys() == {"error", "remedy"}
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("backfill", {"from": "2026-01-02", "to": "2026-01-01"}),
        ("backfill", {"from": "2024-01-01", "to": "2026-01-01"}),
        ("backfill", {}),
        ("rejudge", {}),
        ("rejudge", {"account": 2**31}),
        ("rejudge", {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}),
        ("reconcile", {"conf": {}}),
    ],
)
def test_an_invalid_action_is_refused(admin: httpx.Client, name: str, body: dict[str, Any]) -> None:
    answer = act(admin, name, body)
    assert answer.status_code == 422
    assert answer.json()["remedy"]


def test_the_hops_show_rates_lag_and_health(stack: Stack, viewer: httpx.Client) -> None:
    wait_until_it_loads(stack)

    def healthy() -> dict[str, Any] | None:
        found = get(viewer, "data/hops")
        hops = {hop["name"]: hop for hop in found["hops"]}
        ok = all(hop["health"] == "ok" and (hop["rate"] or 0) > 0 for hop in hops.values())
        return found if ok else None

    found = until(healthy, 60, "every hop is healthy and has a rate")
    hops = {hop["name"]: hop for hop in found["hops"]}
    assert list(hops) == ["generator", "server-logs", "classify", "server-logs-status", "MySQL", "Elasticsearch"]
    assert 0 <= sum(stack.ends("server-logs").values()) - hops["server-logs"]["count"] < 5_000
    assert all(hops[name]["lag"] < 10_000 for name in ("classify", "MySQL", "Elasticsearch"))
    link = hops["classify"]["link"]
    assert link.startswith("/dags/classify_logs/runs/")
    assert link.endswith("/tasks/stream")
    version, accounts = stack.root_sql("SELECT version FROM dim_users.users_version")[0][0], stack.env.settings.accounts
    assert found["users"]["version"] == version
    assert 0 < found["users"]["accounts"] <= accounts
    assert found["users"]["pending_changes"] == stack.root_sql("SELECT COUNT(*) FROM dim_users.changes")[0][0]


def test_reconcile_and_backfill_start_runs_that_succeed(stack: Stack, admin: httpx.Client) -> None:
    """As tests/browser/test_acting.py does with the other actions."""
    answer = act(admin, "reconcile")
    assert answer.status_code == 200, answer.text
    made = [answer.json()]
    today = datetime.now(UTC).date()
    answer = act(admin, "backfill", {"from": str(today), "to": str(today)})
    assert answer.status_code == 200, answer.text
    (load,) = answer.json()["runs"]
    assert f"__{today}T00:00:00" in load["run_id"]
    made.append(answer.json())
    for started in made:
        assert until_they_ended(admin, stack, started) == {"success"}
    reconciled = get(admin, "data/hops")["reconciled"]
    assert reconciled["state"] == "success"
    assert reconciled["logs"] > 0
    url = f"{stack.env.airflow_url}/api/v2/backfills"
    (backfill, *_) = admin.get(url, params={"dag_id": "users_dimension", "order_by": "-id"}).json()["backfills"]
    assert backfill["from_date"][:10] == str(today)
    until(lambda: admin.get(f"{url}/{backfill['id']}").json()["completed_at"], 180, "the backfill has ended")


def counts_with_mysql(stack: Stack) -> None:
    """Checks what the page shows while Elasticsearch is down."""
    viewer = page(stack, "viewer")
    until(lambda: _hop(viewer, "Elasticsearch", "broken"), 30, "its hop is broken")
    begun = time.monotonic()
    found = get(viewer, "data/summary", reason="not_json")
    assert time.monotonic() - begun < 20
    assert found["source"] == "mysql"
    assert "MySQL" in found["notice"]
    assert found["tops"] == {}
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=20)
    begin = end - timedelta(minutes=10)
    assert get(viewer, "data/summary", **{"from": text(begin), "to": text(end)})["totals"] == rows(stack, begin, end)
    logs = get(viewer, "data/logs", size=2)
    assert logs["source"] == "mysql"
    assert len(logs["logs"]) == 2
    assert logs["next"]
    following = get(viewer, "data/logs", size=2, before=logs["next"])["logs"]
    assert not {each["origin"] for each in logs["logs"]} & {each["origin"] for each in following}
    key = logs["logs"][0]["origin"]
    assert [each["origin"] for each in get(viewer, "data/logs", search=key)["logs"]] == [key]
    story = get(viewer, f"data/log/{key}")
    assert story["hops"]["Elasticsearch"] == "Elasticsearch is unreachable"
    others = {hop["name"]: hop["health"] for hop in get(viewer, "data/hops")["hops"]}
    assert others["MySQL"] == others["server-logs"] == "ok"


def counts_with_elasticsearch_again(stack: Stack) -> None:
    """Checks that the page recovers by itself once Elasticsearch is up again."""
    viewer = page(stack, "viewer")
    until(lambda: get(viewer, "data/summary")["source"] == "elasticsearch", 60, "it counts with Elasticsearch again")
    until(lambda: _hop(viewer, "Elasticsearch", "ok"), 60, "its hop is healthy again")


def shows_broken(stack: Stack, hop: str) -> None:
    """Checks that the page answers soon, with counts, while the server of this hop is down."""
    viewer = page(stack, "viewer")
    broken = until(lambda: _hop(viewer, hop, "broken"), 60, f"{hop} is broken")
    assert broken["remedy"]
    begun = time.monotonic()
    get(viewer, "data/hops")
    assert time.monotonic() - begun < 10
    assert get(viewer, "data/summary")["source"] == "elasticsearch"


def shows_ok(stack: Stack, hop: str) -> None:
    """Waits until the page shows that the hop is healthy again."""
    viewer = page(stack, "viewer")
    until(lambda: _hop(viewer, hop, "ok"), 120, f"{hop} is healthy again")


def _age(stack: Stack, key: str) -> float:
    received_at = datetime.fromisoformat(stack.document(key)["received_at"])
    return (datetime.now(UTC) - received_at).total_seconds()


def _hop(client: httpx.Client, name: str, health: str) -> dict[str, Any] | None:
    (hop,) = [each for each in get(client, "data/hops")["hops"] if each["name"] == name]
    return hop if hop["health"] == health else None


def _newest(client: httpx.Client, name: str) -> datetime:
    found = get(client, "data/hops")
    (hop,) = [each for each in found["hops"] if each["name"] == name]
    age = hop["freshness_seconds"]
    return datetime.fromisoformat(found["now"]) - timedelta(seconds=1e9 if age is None else age)
