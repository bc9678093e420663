"""The servers that a command works with: those of the stack that was started here, or the user's own."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from include import scratch
from include.clients.outside import Outside
from include.driver.submit import local_master
from include.settings import Settings
from include.stack import environment
from include.stack.environment import Environment
from include.stack.machine import programs, shell

NAMED_BY: Final = ("kafka_bootstrap", "mysql_host", "elasticsearch_url")
"""The settings that name a user's own servers."""


@dataclass(frozen=True)
class OwnServers:
    """The user's own servers, as the settings name them. What a command asks of them, an Environment answers too."""

    settings: Settings

    @property
    def state(self) -> Path:
        """The folder of the driver, the indexer and the commands."""
        return self.settings.state

    @cached_property
    def outside(self) -> Outside:
        """What makes clients of the servers; with the DAGs' MySQL account, if its password is known here."""
        password = self.settings.mysql_airflow_password.get_secret_value()
        return Outside(self.settings, {"airflow": (self.settings.mysql_airflow_user, password)} if password else None)

    def reaching(self) -> Settings:
        """The settings with the servers' addresses."""
        return self.settings

    @property
    def spark_master(self) -> str:
        """Where commands run Spark: here. The DAGs' is in Airflow's connection."""
        return local_master(self.settings.topic_partitions)

    def judging(self) -> dict[str, str]:
        """The complete environment of a program of ours. Creates its folder for temporary files."""
        scratch.make(self.settings)
        machine = programs.machine(self.state, self.settings.scratch)
        return {**shell.for_programs(os.environ), **programs.python(), **machine}


Servers = Environment | OwnServers


def load(settings: Settings) -> Servers | None:
    """The servers of the stack that was started here, else those that the settings name, else None."""
    named = settings.model_fields_set.intersection(NAMED_BY)
    return environment.load(settings) or (OwnServers(settings) if named else None)
