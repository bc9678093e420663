# Airflow with Java, Spark's jars and Logsieve, so that starting docker-compose.airflow.yml downloads nothing.
ARG BASE=apache/airflow:slim-3.3.2-python3.11

# From the official image, only Debian, Python, the user and the entry point are used.
FROM ${BASE} AS java
USER 0
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# Debian keeps only the current version of a package, so Java 17 cannot be pinned more precisely.
# hadolint ignore=DL3008
# Java's package links a manual page there, and slim images may lack the folder.
RUN apt-get update \
    && mkdir -p /usr/share/man/man1 \
    && apt-get install -y --no-install-recommends openjdk-17-jre-headless \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o 50000 -g 0 -m 0775 /opt/logsieve /opt/logsieve/state /opt/logsieve/own-dags
USER 50000:0
WORKDIR /opt/logsieve

# A virtual environment with exactly requirements-image.txt: the versions of the tests, without what only tests need.
FROM java AS packages
ARG UV_DEFAULT_INDEX
COPY --chown=50000:0 requirements.txt requirements-image.txt ./
RUN python3 -m venv /tmp/uv \
    && sed -n '/^uv==/,/[^\\]$/p' requirements.txt > /tmp/uv.txt \
    && PIP_USER=0 PIP_INDEX_URL=$UV_DEFAULT_INDEX \
       /tmp/uv/bin/python -m pip install -q --no-cache-dir --no-deps --require-hashes -r /tmp/uv.txt \
    && python3 -m venv --without-pip .venv \
    && /tmp/uv/bin/uv pip sync --python .venv/bin/python --require-hashes --no-cache --compile-bytecode -q \
       requirements-image.txt

FROM java
ENV PATH=/opt/logsieve/.venv/bin:$PATH VIRTUAL_ENV=/opt/logsieve/.venv
COPY --from=packages --chown=50000:0 /opt/logsieve/.venv .venv
COPY --chown=50000:0 contract.toml contract.toml
COPY --chown=50000:0 dags dags
COPY --chown=50000:0 plugins plugins
COPY --chown=50000:0 include include
COPY --chown=50000:0 jobs jobs
ENV PYTHONPATH=/opt/logsieve \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    PYSPARK_PYTHON=/opt/logsieve/.venv/bin/python \
    SPARK_LOCAL_IP=127.0.0.1 \
    LOGSIEVE_STATE=/opt/logsieve/state \
    LOGSIEVE_PARTS=/opt/logsieve/parts \
    LOGSIEVE_SECRETS=/run/secrets \
    LOGSIEVE_DISK_GIB=20 \
    AIRFLOW_HOME=/opt/logsieve/state/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/logsieve/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/logsieve/plugins \
    AIRFLOW__OPENLINEAGE__EXTRACTORS=plugins.lineage.Extractor \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/opt/logsieve/state/logs/airflow \
    CONNECTION_CHECK_MAX_COUNT=0
RUN python -m compileall -q dags plugins include jobs && python -m include.stack.containers.image \
    && printf '#!/bin/sh\nexec python -m include.stack.commands.cli "$@"\n' > .venv/bin/logsieve \
    && chmod +x .venv/bin/logsieve

# The only writable folder: a volume.
WORKDIR /opt/logsieve/state
