"""`./logsieve why` explains logs of another client as the contract defines it, at each hop."""

import base64
import json
from typing import Any

from tests.integration.stack import Stack, until

HOPS = {"server-logs", "server-logs-status", "MySQL", "Elasticsearch", "dead letters"}


def why(stack: Stack, origin: tuple[int, int]) -> dict[str, Any]:
    done = stack.run("why", f"{origin[0]}-{origin[1]}", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def is_everywhere(story: dict[str, Any]) -> bool:
    return story["hops"]["MySQL"].startswith("logs.") and "_doc" in story["hops"]["Elasticsearch"]


def test_the_stories_of_a_good_a_bad_and_a_suspicious_log(stack: Stack) -> None:
    device = stack.first_device(684)
    fields = {"event_id": "why", "account_id": "684", "event_type": "other", "location_country": "FR"}
    log = fields | {"device": device, "event_timestamp": "1619724510"}
    hostile = b"\x1b[31m\xff[bold]"
    sent = [json.dumps(log).encode(), hostile, json.dumps(log | {"device": "[red]FRIDGE"}).encode()]
    origins = stack.send([*sent, json.dumps(log | {"account_id": "-5"}).encode()])
    until(lambda: all(is_everywhere(why(stack, origin)) for origin in origins), 60, "all four logs are everywhere")
    good, bad, suspicious, unknown = (why(stack, origin) for origin in origins)

    assert [story["status"] for story in (good, bad, suspicious, unknown)] == [
        "good",
        "bad",
        "suspicious",
        "suspicious",
    ]
    assert [base64.b64decode(story["log"]["raw"]) for story in (good, bad, suspicious)] == sent
    assert good["reasons"] == {}
    assert bad["reasons"] == {"not_json": "the bytes are not exactly one JSON object in UTF-8"}
    assert list(suspicious["reasons"]) == ["unexpected_device"]
    assert f"account 684 has the device {device} on 2021-04-29, the log has [red]FRIDGE" in suspicious["users"]
    assert "account -5 is unknown" in unknown["users"]
    for story, origin in zip((good, bad, suspicious), origins, strict=False):
        assert story["hops"].keys() == HOPS
        assert story["hops"]["MySQL"] == f"logs.{story['status']}_logs"
        assert story["hops"]["Elasticsearch"] == f"server-logs/_doc/{origin[0]}-{origin[1]}: {story['status']}"
        (verdict,) = story["verdicts"]
        (message,) = [
            found
            for found in stack.messages("server-logs-status", _only(stack, origin[0], verdict["status_offset"]))
            if found.partition == origin[0] and found.offset == verdict["status_offset"]
        ]
        assert message.key.decode() == story["origin"]

    printed = stack.run("why", bad["origin"]).stdout
    assert "\x1b" not in printed
    assert "\\x1b[31m\\xff[bold]" in printed
    assert "[red]FRIDGE" in stack.run("why", suspicious["origin"]).stdout


def test_a_manually_deleted_row_is_reported(stack: Stack) -> None:
    columns = "event_id, account_id, event_type, device, location_country, event_timestamp, status, reasons,"
    columns += " users_version, revision, received_at, kafka_partition, kafka_offset"
    since = stack.now()
    partition, offset, _ = until(lambda: [row for row in stack.rows(since) if row[2] == "good"], 60, "one is loaded")[0]
    where = "WHERE kafka_partition = %s AND kafka_offset = %s"
    row = stack.root_sql(f"SELECT {columns} FROM logs.good_logs {where}", (partition, offset))[0]
    stack.root_sql(f"DELETE FROM logs.good_logs {where}", row[-2:])
    try:
        story = why(stack, row[-2:])
    finally:
        stack.root_sql(f"INSERT INTO logs.good_logs ({columns}) VALUES ({', '.join(['%s'] * len(row))})", row)
    assert story["status"] == "good"
    assert story["hops"]["MySQL"].startswith("missing, though load has passed it")
    assert why(stack, row[-2:])["hops"]["MySQL"] == "logs.good_logs"


def test_invalid_and_future_origins_are_reported(stack: Stack) -> None:
    done = stack.run("why", "0-999999999999")
    assert done.returncode == 1
    assert "does not exist yet" in done.stderr
    end = int(done.stderr.split("will be 0-")[1].split(".")[0])
    assert 0 <= stack.ends("server-logs")[0] - end < 10_000
    for word, error in (("[red]x", "[red]x"), ("12", "0-1234"), ("999-0", "the partitions of server-logs are 0, 1")):
        done = stack.run("why", word)
        assert done.returncode == 1
        assert error in done.stderr


def _only(stack: Stack, partition: int, offset: int) -> dict[int, int]:
    """The offsets from which to read, to get messages of one partition only."""
    return {**stack.ends("server-logs-status"), partition: offset}
