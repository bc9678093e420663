"""Prints the pod that the KubernetesExecutor of an AIRFLOW_HOME makes for a task."""

import json

from airflow.providers.cncf.kubernetes.kube_config import KubeConfig
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from kubernetes.client import ApiClient

config = KubeConfig()
pod = PodGenerator.construct_pod(
    dag_id="watch_logs",
    task_id="alert",
    run_id="manual",
    try_number=1,
    pod_id="task",
    scheduler_job_id="1",
    date=None,
    args=["true"],
    kube_image=config.kube_image,
    namespace=config.executor_namespace,
    pod_override_object=None,
    base_worker_pod=PodGenerator.deserialize_model_file(config.pod_template_file),
)
print(json.dumps(ApiClient().sanitize_for_serialization(pod)))  # noqa: T201
