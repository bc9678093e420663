package logsieve;

import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.apache.spark.sql.api.java.UDF8;

/**
 * Turns a record that was joined with its user into its status message (binary).
 *
 * Arguments: the record, the value (null for a tombstone), the periods of its account (null if it is unknown),
 * partition, offset, time of receipt in milliseconds since 1970, the version of the users (null if there are none), and
 * how often the verdict was corrected.
 */
public final class JudgeLog
        implements UDF8<byte[], byte[], byte[], Integer, Long, Long, Integer, Integer, byte[]> {
    /** The number of bytes that are kept of a bad log. */
    static final int MAX_RAW = 64 * 1024;

    private static final byte[] GOOD = JsonWriter.ascii(",\"status\":\"good\",\"reasons\":[]");
    private static final byte[] PARTITION = JsonWriter.ascii(",\"origin\":{\"kafka_partition\":");
    private static final byte[] OFFSET = JsonWriter.ascii(",\"kafka_offset\":");
    private static final byte[] RECEIVED_AT = JsonWriter.ascii("},\"received_at\":");
    private static final byte[] USERS_VERSION = JsonWriter.ascii(",\"users_version\":");
    private static final byte[] REVISION = JsonWriter.ascii(",\"revision\":");
    private static final byte[] RAW = JsonWriter.ascii(",\"raw\":");
    private static final byte[] RAW_SIZE = JsonWriter.ascii(",\"raw_size\":");
    private static final byte[] END = JsonWriter.ascii("}");

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
        Record log = new Record(record);
        JsonWriter out = new JsonWriter(record.length + 256);
        log.putMessage(out);
        if (!log.isBad()) {
            putStatus(out, Rules.user(log, periods));
        }
        out.put(PARTITION).put(partition).put(OFFSET).put(offset);
        // A producer may set any timestamp; both sinks would refuse a year of five digits at every try.
        out.put(RECEIVED_AT).putMilliseconds(Math.min(Math.max(received, 0), Rules.MAX_TIMESTAMP * 1000 + 999));
        out.put(USERS_VERSION);
        if (usersVersion == null) {
            out.putNull();
        } else {
            out.put(usersVersion);
        }
        out.put(REVISION).put(revision);
        if (log.isBad()) {
            putRaw(out, value);
        }
        return out.put(END).toBytes();
    }

    private static void putStatus(JsonWriter out, String reason) {
        if (reason == null) {
            out.put(GOOD);
        } else {
            Record.putStatus(out, "suspicious", List.of(reason));
        }
    }

    private static void putRaw(JsonWriter out, byte[] value) {
        out.put(RAW);
        if (value == null) {
            out.putNull().put(RAW_SIZE).putNull();
            return;
        }
        byte[] raw = Base64.getEncoder().encode(Arrays.copyOf(value, Math.min(value.length, MAX_RAW)));
        out.putQuoted(raw, 0, raw.length).put(RAW_SIZE).put(value.length);
    }
}
