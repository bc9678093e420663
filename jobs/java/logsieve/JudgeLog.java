package logsieve;

import org.apache.spark.sql.api.java.UDF8;

/**
 * Turns a record that was joined with its user into its status message (binary).
 *
 * Arguments: the record, the value (null for a tombstone), the periods of its key (null if it is unknown),
 * partition, offset, time of receipt in milliseconds since 1970, the version of the users (null if there are none), and
 * how often the verdict was corrected.
 */
public final class JudgeLog
        implements UDF8<byte[], byte[], byte[], Integer, Long, Long, Integer, Integer, byte[]> {
    @Override
    public byte[] call(
            byte[] record,
            byte[] value,
            byte[] periods,
            Integer partition,
            Long offset,
            Long received,
            Integer usersVersion,
            Integer revision) {
        LogRecord log = new LogRecord(record);
        JsonWriter out = new JsonWriter(record.length + 256);
        log.putMessage(out);
        if (!log.isBad()) {
            StatusMessage.putStatus(out, Rules.user(log, periods));
        }
        StatusMessage.putOrigin(out, partition, offset, received, usersVersion, revision);
        if (log.isBad()) {
            StatusMessage.putRaw(out, value);
        }
        StatusMessage.end(out);
        return out.toBytes();
    }
}
