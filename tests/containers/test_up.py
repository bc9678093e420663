"""`up` ends with everything healthy, logs pass every hop, and each container has no more rights than it needs."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from include.names import LOGS_TOPIC, STATUS_TOPIC, STATUSES
from include.stack.containers.compose_env import SECRETS
from include.stack.fetch import browser
from tests.browser.visitor import PATIENT_MS, Visitor, log_in
from tests.containers import images
from tests.containers.flow import Flow
from tests.containers.system import IMAGE, LASTING, ONCE, TAG, System

SHOWN = {"kafka": {"KAFKA_CLUSTER_ID"}}
"""The secrets that images read from variables only."""
ROOT_READ_ONLY = {*LASTING, "commands"} - {"elasticsearch", "kafka", "mysql", "postgres"}


@pytest.mark.parametrize("service", [*LASTING, "commands"])
def test_every_container_is_healthy(system: System, service: str) -> None:
    assert system.health(service) == ("running" if service == "commands" else "healthy")


@pytest.mark.parametrize("service", sorted(ONCE))
def test_every_step_has_ended_well(system: System, service: str) -> None:
    state = system.inspect(service)["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 0)


def test_logs_pass_every_hop(system: System) -> None:
    Flow(system).arrive()
    found = system.counts()
    assert found[LOGS_TOPIC] == found["documents"] == sum(found[each] for each in STATUSES)
    assert found[STATUS_TOPIC] >= found[LOGS_TOPIC]
    assert all(found[each] for each in STATUSES)


@pytest.mark.parametrize("user", ["admin", "viewer"])
def test_the_page_shows_the_counts(system: System, user: str) -> None:
    program = browser.find()
    if program is None:
        pytest.skip(f"No Chromium is here. {browser.REMEDY}")
    args = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENT_MS)
        chromium = playwright.chromium.launch(executable_path=program, args=args)
        context = chromium.new_context(storage_state=log_in(chromium, system, user))  # type: ignore[arg-type]
        visitor = Visitor(system, context, context.new_page())  # type: ignore[arg-type]
        visitor.watch()
        page = visitor.open("#range=all")
        expect(page.locator("#totals .good")).not_to_have_attribute("data-count", "0")
        expect(page.locator("[data-action=reconcile]")).to_have_count(1 if user == "admin" else 0)
        page.screenshot(path=Path(system.folder) / f"{user}.png")
        assert (visitor.foreign(), visitor.complaints) == (set(), [])
        chromium.close()


@pytest.mark.parametrize("service", [*LASTING, "commands"])
def test_a_container_has_few_rights(system: System, service: str) -> None:
    found = system.inspect(service)
    host, config = found["HostConfig"], found["Config"]
    assert config["User"].split(":")[0] not in ("", "0", "root")
    assert system.inside(service, "id -u").strip() != "0"
    assert re.search(r"CapEff:\s+0+$", system.inside(service, "cat /proc/self/status"), re.MULTILINE)
    assert re.search(r"NoNewPrivs:\s+1$", system.inside(service, "cat /proc/self/status"), re.MULTILINE)
    assert host["ReadonlyRootfs"] is (service in ROOT_READ_ONLY)
    assert 0 < host["Memory"] == host["MemorySwap"] / 2
    assert host["PidsLimit"] > 0
    assert host["Privileged"] is False
    assert {port["HostIp"] for ports in (host["PortBindings"] or {}).values() for port in ports} <= {"127.0.0.1"}


@pytest.mark.parametrize("service", [*LASTING, "commands", *sorted(ONCE)])
def test_the_engine_shows_no_secret_that_could_be_a_file(system: System, service: str) -> None:
    text = json.dumps(system.inspect(service))
    assert {name for name in SECRETS if system.values[name] in text} == SHOWN.get(service, set())


def test_nothing_is_downloaded_at_the_start(system: System) -> None:
    """Containers inside have no way out, and our root is read-only."""
    for service in ("kafka", "mysql", "elasticsearch", "postgres", "indexer", "commands"):
        assert system.inside(service, "cat /proc/net/route").count("00000000\t00000000") == 0, "no default route"


def test_a_second_build_changes_nothing(system: System) -> None:
    image = f"{IMAGE}:{TAG}"
    before = system.engine.docker("image", "inspect", "--format", "{{.Id}}", image)
    images.build(system.engine, image, system.folder)
    assert system.engine.docker("image", "inspect", "--format", "{{.Id}}", image) == before


@pytest.mark.parametrize("name", ["logstash", "kibana"])
def test_an_image_that_cannot_be_had_says_so(system: System, name: str) -> None:
    if system.built[name] == "pulled":
        pytest.skip("The official image is here.")
    with pytest.raises(subprocess.CalledProcessError) as error:
        system.engine.docker("run", "--rm", "--network", "none", images.names()[name])
    assert "not to be had here" in error.value.stderr


def test_a_second_up_changes_nothing(system: System) -> None:
    before = {service: system.inspect(service)["State"]["StartedAt"] for service in LASTING}
    system.up()
    assert {service: system.inspect(service)["State"]["StartedAt"] for service in LASTING} == before
