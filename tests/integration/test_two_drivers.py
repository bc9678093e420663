"""Two drivers at once: the one that takes the lease over judges on, the other ends; in the end every hop is whole."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from include.settings import ROOT
from include.spark_conf import submit_conf
from jobs import lease
from tests.integration.stack import EPOCH, Stack, drivers, prove, until, wait_until_it_loads
