package logsieve;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * A parsed log as the bytes that Spark passes from ReadLog to JudgeLog: its account, day and device, which the join and
 * the rules of users need, and the beginning of its status message.
 */
final class LogRecord {
    // The device and the message follow the head.
    private static final int MESSAGE = 0;
    private static final int IS_BAD = 4;
    private static final int ACCOUNT = 5;
    private static final int DAY = 9;
    private static final int HEAD = 13;

    private final ByteBuffer bytes;

    LogRecord(byte[] bytes) {
        this.bytes = ByteBuffer.wrap(bytes);
    }

    static byte[] write(Log log) {
        JsonWriter out = new JsonWriter(384);
        out.skip(HEAD);
        if (!log.isBad()) {
            out.put(log.device().bytes(), log.device().from(), log.device().to());
        }
        int message = out.length();
        StatusMessage.begin(out, log);
        byte[] bytes = out.toBytes();
        ByteBuffer head = ByteBuffer.wrap(bytes).putInt(message).put((byte) (log.isBad() ? 1 : 0));
        if (!log.isBad()) {
            head.putInt(log.account()).putInt(log.day());
        }
        return bytes;
    }

    boolean isBad() {
        return bytes.get(IS_BAD) != 0;
    }

    /** The account; like the two methods below, only for a log that is not bad. */
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

    /** Appends the beginning of the status message, see StatusMessage.begin. */
    void putMessage(JsonWriter out) {
        out.put(bytes.array(), message(), bytes.capacity());
    }

    private int message() {
        return bytes.getInt(MESSAGE);
    }
}
