package logsieve;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A parsed log as the bytes that Spark passes from ReadLog to JudgeLog: its key, day and attributes, which the join and
 * the rule of the dimension need, and the beginning of its status message.
 */
final class LogRecord {
    // After the head, where each attribute ends; then a key that is a text, the attributes, and the message.
    private static final int MESSAGE = 0;
    private static final int KIND = 4;
    private static final int KEY = 5;
    private static final int DAY = 13;
    private static final int HEAD = 17;

    private static final byte IS_BAD = 1;
    private static final byte HAS_KEY = 2;

    private static final Dimension DIMENSION = Contract.OURS.dimension;
    private static final int ATTRIBUTES = DIMENSION == null ? 0 : DIMENSION.attributes().length;
    private static final int TEXTS = HEAD + Integer.BYTES * ATTRIBUTES;

    private final ByteBuffer bytes;

    LogRecord(byte[] bytes) {
        this.bytes = ByteBuffer.wrap(bytes);
    }

    static byte[] write(Log log) {
        JsonWriter out = new JsonWriter(384);
        out.skip(TEXTS);
        if (log.isBad() || DIMENSION == null) {
            StatusMessage.begin(out, log);
            byte[] bytes = out.toBytes();
            ByteBuffer.wrap(bytes).putInt(TEXTS).put(log.isBad() ? IS_BAD : 0);
            return bytes;
        }
        Value key = log.get(DIMENSION.key());
        long number = 0;
        if (key instanceof Value.Whole whole) {
            number = whole.number();
        } else if (key instanceof Text text) {
            number = text.length();
            text.putPlain(out);
        }
        for (int each = 0; each < ATTRIBUTES; each++) {
            log.get(DIMENSION.attributes()[each]).putPlain(out);
            out.set(HEAD + Integer.BYTES * each, out.length());
        }
        int message = out.length();
        StatusMessage.begin(out, log);
        byte[] bytes = out.toBytes();
        ByteBuffer.wrap(bytes)
                .putInt(message)
                .put(key == Value.Nothing.NOTHING ? 0 : HAS_KEY)
                .putLong(number)
                .putInt(((Value.When) log.get(DIMENSION.at())).day());
        return bytes;
    }

    boolean isBad() {
        return bytes.get(KIND) == IS_BAD;
    }

    /** Whether it is looked up in the dimension: it is not bad, and has a key. */
    boolean hasKey() {
        return bytes.get(KIND) == HAS_KEY;
    }

    /** The key, or the length of a key that is a text; like the three methods below, only for a log that has one. */
    long key() {
        return bytes.getLong(KEY);
    }

    String keyText() {
        return new String(bytes.array(), TEXTS, (int) key(), StandardCharsets.UTF_8);
    }

    /** The day of the event since 1970, UTC. */
    int day() {
        return bytes.getInt(DAY);
    }

    /** Whether an attribute is this text, in UTF-8, or is nothing: what a log does not have is not compared. */
    boolean isAsExpected(int attribute, byte[] text, int from, int to) {
        int begin = attribute == 0 ? TEXTS + lengthOfKey() : bytes.getInt(HEAD + Integer.BYTES * (attribute - 1));
        int end = bytes.getInt(HEAD + Integer.BYTES * attribute);
        return Arrays.equals(bytes.array(), begin, end, text, from, to) || begin == end;
    }

    /** Appends the beginning of the status message, see StatusMessage.begin. */
    void putMessage(JsonWriter out) {
        out.put(bytes.array(), bytes.getInt(MESSAGE), bytes.capacity());
    }

    private int lengthOfKey() {
        return DIMENSION.isOfText() ? (int) key() : 0;
    }
}
