"""Spark's hook and operator of its provider, without Kubernetes' client: importing that takes as long as all the rest.

Only who submits to Kubernetes needs it: plugins/driver_pod.py imports it then.
"""

import sys
from typing import Final

_CLIENT: Final = "airflow.providers.cncf.kubernetes.kube_client"

_imported = sys.modules.get(_CLIENT)
sys.modules[_CLIENT] = None  # type: ignore[assignment]  # it counts as missing
try:
    from airflow.providers.apache.spark.hooks import spark_submit
    from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
finally:
    del sys.modules[_CLIENT]
    if _imported is not None:
        sys.modules[_CLIENT] = _imported

# The hook refuses Kubernetes if it is None, and uses it only for what we do ourselves.
spark_submit.kube_client = "see plugins/driver_pod.py"  # type: ignore[attr-defined, assignment]
SparkSubmitHook = spark_submit.SparkSubmitHook

__all__ = ["SparkSubmitHook", "SparkSubmitOperator"]
