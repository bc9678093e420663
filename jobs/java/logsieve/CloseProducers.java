package logsieve;

import org.apache.spark.sql.api.java.UDF1;

/**
 * Closes this executor's Kafka producers once Kafka has all that they were given; returns its argument. As many tasks as
 * there are slots reach every executor, since each occupies its slot for a moment.
 */
public final class CloseProducers implements UDF1<Long, Long> {
    private static final String POOL = "org.apache.spark.sql.kafka010.producer.InternalKafkaProducerPool$";
    private static final long MILLISECONDS = 200;

    @Override
    public Long call(Long number) throws ReflectiveOperationException, InterruptedException {
        Class<?> pool = Class.forName(POOL, true, Thread.currentThread().getContextClassLoader());
        pool.getMethod("reset").invoke(pool.getField("MODULE$").get(null));
        Thread.sleep(MILLISECONDS);
        return number;
    }
}
