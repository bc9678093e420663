"""The Logstash pipeline keeps the indexer's contract: both are read. Its grammar is checked by a parser of it.

The parser does not notice that a comma is missing in a list; what matters in the file is compared value by value.
"""

import re
import shutil
import subprocess
from datetime import date
from typing import Any

import pytest
import yaml
from logstash_pipeline_parser import Pipeline
from logstash_pipeline_parser.tree import ParseError

from include import names
from include.clients import kafka
from include.index import days
from include.index.template import template
from include.names import INDEXER_GROUP
from include.settings import ROOT, Settings

SEARCH = ROOT / "include" / "index"
CONF = (SEARCH / "logstash.conf").read_text(encoding="utf-8")
DEAD_LETTERS = (SEARCH / "dead-letters.conf").read_text(encoding="utf-8")
RUN = yaml.safe_load((SEARCH / "logstash.yml").read_text(encoding="utf-8"))
PIPELINES = yaml.safe_load((SEARCH / "pipelines.yml").read_text(encoding="utf-8"))
SCRIPT = SEARCH / "day_index.rb"
PROPERTIES = template()["template"]["mappings"]["properties"]

VARIABLE = re.compile(r"\$\{(\w+)(?::([^}]*))?\}")


def sections(text: str) -> dict[str, list[Any]]:
    """The plugins and conditions of each section, in order: [name, settings] or ["if", condition, plugins]."""
    parsed = Pipeline(text)
    # Paths and addresses stay text.
    for name in list(parsed.get_types()):
        parsed.remove_type(name)
    return dict(parsed.parse())


def settings(plugin: Any) -> dict[str, Any]:
    """A plugin's settings by name, none given twice."""
    name, pairs = plugin
    found = {key: value[0] for key, value in pairs}
    assert len(found) == len(pairs), f"{name} has a setting twice"
    return found


def filled(text: str, **variables: str) -> str:
    """The text as Logstash reads it with these environment variables."""
    return VARIABLE.sub(lambda match: variables.get(match[1], match[2]), text)


PARTS = sections(CONF)
(KAFKA,) = (settings(plugin) for plugin in PARTS["input"])
(ELASTICSEARCH,) = (settings(plugin) for plugin in PARTS["output"])


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('id => "server-logs"', 'id = "server-logs"'),
        ('id => "server-logs"', 'id => "server-logs'),
        ('id => "server-logs"', 'id => "server-logs",'),
        ('id => "server-logs"', "id => server-logs"),
        ("action =>", "action"),
        ("output {", "outputs {"),
        ("input {", "{"),
        ("!~ /", "~ /"),
        (' or [', ' || ['),
        ("  }\n}\n\nfilter", "  }\n\nfilter"),
    ],
)  # fmt: skip
def test_the_parser_refuses_what_logstash_refuses(right: str, wrong: str):
    assert CONF.count(right) >= 1

    with pytest.raises(ParseError):
        sections(CONF.replace(right, wrong, 1))


def test_it_reads_the_status_topic_as_the_indexer_does():
    assert KAFKA["topics"] == [names.STATUS_TOPIC]
    assert KAFKA["group_id"] == INDEXER_GROUP, "else it would not go on where the indexer was, or the indexer after it"
    assert KAFKA["auto_offset_reset"] == "earliest"
    assert KAFKA["auto_create_topics"] is False, "bootstrap makes the topics, with their partitions"
    assert KAFKA["enable_auto_commit"] is False, "offsets are committed behind what is in the queue, not by time"
    assert KAFKA["decorate_events"] == "extended", "with the headers, which tell whose verdict it is"


def test_what_has_no_mark_is_dropped_before_all_else():
    kind, (first, word, second, (plugins,)) = PARTS["filter"][0][0], PARTS["filter"][0][1]

    headers = "[@metadata][kafka][headers]"
    assert (kind, first, word, second) == (
        "if",
        ["!", f"{headers}[{names.JUDGED}]"],
        "and",
        ["!", f"{headers}[rejudged]"],
    )
    assert plugins == [["drop", []]]


def test_a_document_is_the_status_message_and_nothing_of_logstash_ends_in_it():
    _, rename, parse, check, _, remove = PARTS["filter"]

    assert settings(rename) == {"rename": [["message", ["[@metadata][raw]"]]], "remove_field": ["event"]}
    assert settings(parse) == {"source": "[@metadata][raw]"}, "no target: the fields are the document's own"
    assert settings(remove)["remove_field"] == ["@timestamp", "@version"], "no name that a contract's field may have"
    assert check[0] == "if"
    assert not {"@timestamp", "@version", "tags"} & PROPERTIES.keys(), "the last is refused by meaning.py"


def test_what_is_no_json_or_has_no_origin_for_its_key_is_tagged_so_that_the_strict_mapping_refuses_it():
    *condition, (plugins,) = PARTS["filter"][3][1]

    pattern = r"\A" + names._KEY.pattern.decode() + r"\z"
    key = "[@metadata][kafka][key]"
    assert condition == [["!", key], "or", [key, "!~", pattern]]
    assert settings(plugins[0])["add_tag"] == ["_key_is_no_origin"]
    assert "tags" not in PROPERTIES


def test_it_writes_the_document_of_the_key_and_the_last_verdict_wins_whichever_worker_is_first():
    assert ELASTICSEARCH["action"] == "index"
    assert ELASTICSEARCH["document_id"] == "%{[@metadata][kafka][key]}"
    assert ELASTICSEARCH["version"] == "%{[@metadata][kafka][offset]}"
    assert ELASTICSEARCH["version_type"] == "external_gte", "equal ones too: a message may be read again"
    assert ELASTICSEARCH["data_stream"] is ELASTICSEARCH["ilm_enabled"] is False


def test_the_index_is_that_of_the_day_by_the_indexers_rule():
    assert ELASTICSEARCH["index"] == "%{[@metadata][index]}"
    kind, _ = ruby = PARTS["filter"][4]
    assert kind == "ruby"
    assert filled(settings(ruby)["path"]).endswith(f"/{SCRIPT.name}")
    script = SCRIPT.read_text(encoding="utf-8")
    assert f"PAST = {days.PAST.days}\nFUTURE = {days.FUTURE.days}\n" in script
    assert "event.get('received_at')" in script
    assert "@timestamp" not in script
    assert f"day.strftime('{names.INDEX}-%Y.%m.%d') : '{names.ODD_INDEX}'" in script
    assert names.day_index(date(2026, 1, 2)) == date(2026, 1, 2).strftime(f"{names.INDEX}-%Y.%m.%d")


NEAR = ["2026-11-30", "2026-12-01", "2025-10-26"]
FAR = ["2026-12-02", "2025-10-25", "1970-01-01", "9999-12-31", "2026-02-30", ""]


@pytest.mark.skipif(shutil.which("ruby") is None, reason="needs ruby")
@pytest.mark.parametrize("day", [*NEAR, *FAR])
def test_its_script_names_the_same_index_as_the_indexer(day: str):
    today = date(2026, 11, 30)
    asked = f"load '{SCRIPT}'; print index_of('{day}T01:02:03.456Z', Date.iso8601('{today}'))"
    found = subprocess.run(["ruby", "-e", asked], capture_output=True, text=True, check=True).stdout
    assert found == days.index_of(day.encode(), today, ())


def test_it_leaves_the_template_to_bootstrap_which_knows_the_settings():
    assert ELASTICSEARCH["manage_template"] is False
    assert not any(name.startswith("template") for name in ELASTICSEARCH)


def test_its_variables_are_those_of_the_settings_with_the_same_defaults():
    defaults = {**Settings.model_fields}
    own = {
        "LOGSIEVE_KAFKA_LOGIN_MODULE",
        "LOGSIEVE_INDEX_SCRIPT",
        "LOGSIEVE_LOGSTASH_WORKERS",
        "LOGSIEVE_LOGSTASH_BATCH",
        "LOGSIEVE_DEAD_LETTERS",
    }
    logins = {"LOGSIEVE_ELASTICSEARCH_USER", "LOGSIEVE_ELASTICSEARCH_PASSWORD", "LOGSIEVE_KAFKA_PASSWORD"}
    run = (SEARCH / "logstash.yml").read_text(encoding="utf-8")

    found = dict(VARIABLE.findall(CONF + DEAD_LETTERS + run))
    for variable in found.keys() - own:
        field = defaults[variable.removeprefix("LOGSIEVE_").lower()]
        if variable not in logins:
            assert found[variable] == str(field.default), variable
    assert own | logins <= found.keys()


@pytest.mark.parametrize(
    ("mechanism", "module"),
    [("SCRAM-SHA-512", {}), ("PLAIN", {"LOGSIEVE_KAFKA_LOGIN_MODULE": "plain.PlainLoginModule"})],
)
def test_it_logs_in_to_kafka_as_the_driver_does(mechanism: Any, module: dict[str, str]):
    login = {"LOGSIEVE_KAFKA_USER": "logsieve", "LOGSIEVE_KAFKA_PASSWORD": "secret"}
    driver = kafka.spark(
        Settings(
            kafka_security="SASL_SSL", kafka_sasl_mechanism=mechanism, kafka_user="logsieve", kafka_password="secret"
        )
    )

    assert filled(KAFKA["sasl_jaas_config"], **login, **module) == driver["kafka.sasl.jaas.config"]
    variables = {"LOGSIEVE_KAFKA_SECURITY": "SASL_SSL", "LOGSIEVE_KAFKA_SASL_MECHANISM": mechanism}
    assert filled(KAFKA["security_protocol"], **variables) == driver["kafka.security.protocol"]
    assert filled(KAFKA["sasl_mechanism"], **variables) == driver["kafka.sasl.mechanism"]


def test_it_runs_several_workers_keeps_what_it_has_read_and_what_is_refused():
    assert int(filled(RUN["pipeline.workers"])) > 1
    assert RUN["pipeline.ecs_compatibility"] == "disabled", "else Logstash adds fields of its own"
    assert RUN["queue.type"] == "persisted", "offsets are committed when a message is in the queue"
    assert RUN["dead_letter_queue.enable"] is True
    assert RUN["config.reload.automatic"] is False


def test_the_dead_letters_that_are_read_are_those_of_this_pipeline():
    (pipeline,) = PIPELINES
    parts = sections(DEAD_LETTERS)
    (letters,) = (settings(plugin) for plugin in parts["input"])

    assert letters["pipeline_id"] == pipeline["pipeline.id"]
    assert letters["commit_offsets"] is False
    assert pipeline["path.config"].endswith("/logstash.conf")
