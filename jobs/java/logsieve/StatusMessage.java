package logsieve;

import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * The layout of the status message (docs/contract.md): its members and their order.
 *
 * ReadLog writes the beginning and JudgeLog the rest, because only the log's own rules are known before the join.
 */
final class StatusMessage {
    /** The number of bytes that are kept of a bad log. */
    private static final int MAX_RAW = 64 * 1024;

    private static final byte[][] FIELDS = new byte[Contract.OURS.fields.length][];

    static {
        for (int place = 0; place < FIELDS.length; place++) {
            String member = Contract.OURS.fields[place].member;
            FIELDS[place] = JsonWriter.ascii((place == 0 ? "{\"" : ",\"") + member + "\":");
        }
    }

    private static final byte[] GOOD = status("good", List.of());
    private static final byte[] PARTITION = JsonWriter.ascii(",\"origin\":{\"kafka_partition\":");
    private static final byte[] OFFSET = JsonWriter.ascii(",\"kafka_offset\":");
    private static final byte[] RECEIVED_AT = JsonWriter.ascii("},\"received_at\":");
    private static final byte[] USERS_VERSION = JsonWriter.ascii(",\"users_version\":");
    private static final byte[] REVISION = JsonWriter.ascii(",\"revision\":");
    private static final byte[] VERSION = JsonWriter.ascii(
            Contract.OURS.version > 1 ? ",\"contract_version\":" + Contract.OURS.version : "");
    private static final byte[] RAW = JsonWriter.ascii(",\"raw\":");
    private static final byte[] RAW_SIZE = JsonWriter.ascii(",\"raw_size\":");
    private static final byte[] END = JsonWriter.ascii("}");

    private StatusMessage() {}

    /** Appends the fields, and for a bad log its status and reasons. */
    static void begin(JsonWriter out, Log log) {
        Value[] values = log.values();
        for (int place = 0; place < FIELDS.length; place++) {
            out.put(FIELDS[place]);
            values[place].putTo(out);
        }
        if (log.isBad()) {
            out.put(status("bad", log.reasons()));
        }
    }

    /** Appends the status of a log that is not bad; any reason makes it suspicious, none makes it good. */
    static void putStatus(JsonWriter out, List<String> reasons) {
        out.put(reasons.isEmpty() ? GOOD : status("suspicious", reasons));
    }

    /** A time of receipt as it is written: a producer may set any, and both sinks would refuse a year of five digits. */
    static long held(long received) {
        return Math.min(Math.max(received, 0), JsonWriter.LAST_SECOND * 1000 + 999);
    }

    /** Appends the members from `origin` to the contract's version; see JudgeLog. */
    static void putOrigin(
            JsonWriter out, int partition, long offset, long received, Integer usersVersion, int revision) {
        out.put(PARTITION).put(partition).put(OFFSET).put(offset);
        out.put(RECEIVED_AT).putMilliseconds(held(received));
        out.put(USERS_VERSION);
        if (usersVersion == null) {
            out.putNull();
        } else {
            out.put(usersVersion);
        }
        out.put(REVISION).put(revision).put(VERSION);
    }

    /** Appends the value of a bad log, cut to its limit, and its size; null for a tombstone. */
    static void putRaw(JsonWriter out, byte[] value) {
        if (value == null) {
            out.put(RAW).putNull().put(RAW_SIZE).putNull();
            return;
        }
        byte[] raw = Base64.getEncoder().encode(Arrays.copyOf(value, Math.min(value.length, MAX_RAW)));
        out.put(RAW).putQuoted(raw, 0, raw.length).put(RAW_SIZE).put(value.length);
    }

    static void end(JsonWriter out) {
        out.put(END);
    }

    private static byte[] status(String status, List<String> reasons) {
        String listed = reasons.isEmpty() ? "" : "\"" + String.join("\",\"", reasons) + "\"";
        return JsonWriter.ascii(",\"status\":\"" + status + "\",\"reasons\":[" + listed + "]");
    }
}
