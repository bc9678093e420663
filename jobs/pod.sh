#!/bin/bash
# The program of Spark's pods on Kubernetes. Spark starts it as `driver ARGUMENTS` or as `executor`.
set -euo pipefail
unset SPARK_LOCAL_IP  # the image's is loopback
SPARK_HOME=$(find_spark_home.py)
export SPARK_HOME
role=$1
shift
case $role in
    driver)
        exec spark-submit --deploy-mode client --conf "spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS" "$@"
        ;;
    executor)
        options=()
        for name in $(compgen -e SPARK_JAVA_OPT_ | sort -V); do options+=("${!name}"); done
        # Without a master, Spark does not read spark.authenticate.secret.file before it has asked the driver for one.
        exec java "${options[@]}" -Dspark.master=k8s:// "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" \
            -cp "$SPARK_CLASSPATH:${SPARK_CONF_DIR:-}:$SPARK_HOME/jars/*" \
            org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
            --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES" \
            --app-id "$SPARK_APPLICATION_ID" --hostname "$SPARK_EXECUTOR_POD_IP" \
            --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" --podName "$SPARK_EXECUTOR_POD_NAME"
        ;;
esac
