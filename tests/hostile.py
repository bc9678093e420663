"""Variables that users' shells export, each of which once changed or broke something: none may reach the stack."""

HOSTILE = {
    # the user's own Spark, Hadoop and Java
    "SPARK_HOME": "/opt/spark-3.5", "SPARK_CONF_DIR": "/etc/spark", "SPARK_SUBMIT_OPTS": "-Dno -bogus",
    "SPARK_DAEMON_MEMORY": "1k", "SPARK_LOCAL_DIRS": "/none", "SPARK_PREPEND_CLASSES": "1", "SPARK_MASTER": "spark://x:1",
    "PYSPARK_PYTHON": "/none/python", "PYSPARK_DRIVER_PYTHON": "jupyter", "PYSPARK_DRIVER_PYTHON_OPTS": "notebook",
    "PYSPARK_SUBMIT_ARGS": "--bogus", "HADOOP_CONF_DIR": "/etc/hadoop", "HADOOP_USER_NAME": "hdfs",
    "JAVA_HOME": "/opt/java-8", "JAVA_TOOL_OPTIONS": "-Xbogus", "_JAVA_OPTIONS": "-Xmx1k", "JDK_JAVA_OPTIONS": "-bogus",
    "CLASSPATH": "/none.jar", "JAVA_OPTS": "-bogus",
    # Python
    "PYTHONHOME": "/none", "PYTHONPATH": "/none", "PYTHONSTARTUP": "/none", "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2", "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0", "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONINSPECT": "1", "VIRTUAL_ENV": "/none", "CONDA_PREFIX": "/none",
    "PYTEST_ADDOPTS": "--bogus", "PIP_TARGET": "/none", "PIP_USER": "1", "UV_PYTHON": "3.9", "UV_SYSTEM_PYTHON": "1",
    # the user's own servers
    "PGHOST": "db.example.org", "PGPORT": "1", "PGSSLMODE": "require", "PGDATA": "/none", "PGPASSFILE": "/none",
    "PGOPTIONS": "-c bogus=1", "PGSERVICE": "none", "MYSQL_HOST": "db.example.org", "MYSQL_HOME": "/none",
    "MYSQL_TCP_PORT": "1", "KAFKA_OPTS": "-bogus", "KAFKA_HEAP_OPTS": "-bogus", "KAFKA_LOG4J_OPTS": "-bogus",
    "ES_PATH_CONF": "/etc/elasticsearch", "ES_JAVA_OPTS": "-bogus", "ES_JAVA_HOME": "/none", "ES_HOME": "/none",
    "ES_TMPDIR": "/none", "SUPERVISOR_ENABLED": "0", "SUPERVISOR_SERVER_URL": "unix:///none",
    "AIRFLOW_HOME": "/none", "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor", "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
    "AIRFLOW__API__BASE_URL": "http://x", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////none",
    "AIRFLOW_CONN_MYSQL": "mysql://x", "AIRFLOW_CONFIG": "/none", "AIRFLOW_VAR_X": "1", "UVICORN_PORT": "1",
    # the shell itself
    "BASH_ENV": "/none", "ENV": "/none", "CDPATH": "/", "IFS": "/", "POSIXLY_CORRECT": "1", "GREP_OPTIONS": "-v",
    "LD_LIBRARY_PATH": "/none", "LC_ALL": "C", "LANG": "tr_TR.ISO-8859-9", "LC_NUMERIC": "de_DE", "TZ": "Asia/Tokyo",
    "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "PY_COLORS": "1", "TTY_COMPATIBLE": "1", "CI": "true",
    "GITHUB_ACTIONS": "true", "TMPDIR": "/none", "SHELLOPTS_": "x", "OMP_NUM_THREADS": "x", "LOGNAME": "none",
    # Logsieve's own, of other servers and of another stack
    "LOGSIEVE_STACK": "/none", "LOGSIEVE_KAFKA_BOOTSTRAP": "kafka.example.org:9092", "LOGSIEVE_MYSQL_HOST": "db",
    "LOGSIEVE_MYSQL_SOCKET": "/none", "MYSQL_UNIX_PORT": "/none",
    "LOGSIEVE_MYSQL_STREAM_USER": "them", "LOGSIEVE_MYSQL_READER_USER": "them", "LOGSIEVE_KAFKA_SECURITY": "SASL_SSL",
    "LOGSIEVE_KAFKA_USER": "them", "LOGSIEVE_KAFKA_PASSWORD": "theirs", "LOGSIEVE_ELASTICSEARCH_USER": "them",
    "LOGSIEVE_ELASTICSEARCH_PASSWORD": "theirs", "LOGSIEVE_ELASTICSEARCH_URL": "https://search.example.org",
}  # fmt: skip
"""By name; without variables of the terminal and of trusted certificates."""

PROXIED = {
    "http_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://them:secret@127.0.0.1:9",
    "ALL_PROXY": "socks5://127.0.0.1:9", "no_proxy": "example.org", "SSL_CERT_FILE": "/none",
}  # fmt: skip
"""A proxy that never answers: no connection within the stack may use it."""
