package logsieve;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * A parsed log as the bytes that Spark passes from ReadLog to JudgeLog: its account, day and device, which the join and
 * the rules of users need, and the beginning of its status message.
 */
final class Record {
    // The device and the message follow the head.
    private static final int MESSAGE = 0;
    private static final int IS_BAD = 4;
    private static final int ACCOUNT = 5;
    private static final int DAY = 9;
    private static final int HEAD = 13;

    private static final int SECONDS_A_DAY = 86_400;
    private static final byte[][] MEMBERS = new byte[Rules.FIELDS.length][];

    static {
        for (int place = 0; place < MEMBERS.length; place++) {
            MEMBERS[place] = JsonWriter.ascii((place == 0 ? "{\"" : ",\"") + Rules.FIELDS[place] + "\":");
        }
    }

    private final ByteBuffer bytes;

    Record(byte[] bytes) {
        this.bytes = ByteBuffer.wrap(bytes);
    }

    /**
     * @param fields the result of Json.read
     * @param reasons the result of Rules.form
     */
    static byte[] write(Field[] fields, List<String> reasons) {
        boolean isBad = !reasons.isEmpty();
        JsonWriter out = new JsonWriter(512);
        out.skip(HEAD);
        if (!isBad) {
            Field device = fields[Rules.DEVICE];
            out.put(device.bytes, device.from, device.to);
        }
        int message = out.length();
        for (int place = 0; place < MEMBERS.length; place++) {
            out.put(MEMBERS[place]);
            write(fields == null || fields[place].isBroken ? null : fields[place], place, out);
        }
        if (isBad) {
            putStatus(out, "bad", reasons);
        }
        byte[] bytes = out.toBytes();
        ByteBuffer head = ByteBuffer.wrap(bytes).putInt(message).put((byte) (isBad ? 1 : 0));
        if (!isBad) {
            head.putInt((int) fields[Rules.ACCOUNT_ID].number);
            head.putInt((int) (fields[Rules.EVENT_TIMESTAMP].number / SECONDS_A_DAY));
        }
        return bytes;
    }

    /** @param reasons at least one */
    static void putStatus(JsonWriter out, String status, List<String> reasons) {
        String listed = String.join("\",\"", reasons);
        out.put(JsonWriter.ascii(",\"status\":\"" + status + "\",\"reasons\":[\"" + listed + "\"]"));
    }

    private static void write(Field field, int place, JsonWriter out) {
        if (field == null) {
            out.putNull();
        } else if (place == Rules.ACCOUNT_ID) {
            out.put(field.number);
        } else if (place == Rules.EVENT_TIMESTAMP) {
            out.putSeconds(field.number);
        } else if (field.isEscaped) {
            out.putEscaped(field.bytes);
        } else {
            out.putQuoted(field.bytes, field.from, field.to);
        }
    }

    boolean isBad() {
        return bytes.get(IS_BAD) != 0;
    }

    /** The account; like all methods below, only for a log that is not bad. */
    int account() {
        return bytes.getInt(ACCOUNT);
    }

    /** The day of the event since 1970, UTC. */
    int day() {
        return bytes.getInt(DAY);
    }

    boolean isOfDevice(byte[] text, int from, int to) {
        return Arrays.equals(bytes.array(), HEAD, message(), text, from, to);
    }

    /** Appends the beginning of the status message: the six fields, and for a bad log its status and reasons. */
    void putMessage(JsonWriter out) {
        out.put(bytes.array(), message(), bytes.capacity());
    }

    private int message() {
        return bytes.getInt(MESSAGE);
    }
}
