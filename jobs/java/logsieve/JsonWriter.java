package logsieve;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;

/** Builds JSON text piece by piece. */
final class JsonWriter {
    /** 9999-12-31T23:59:59Z, in seconds since 1970; later years have five digits. */
    static final long LAST_SECOND = 253_402_300_799L;

    private static final byte[] NULL = ascii("null");
    private static final byte[] LEAST = ascii(Long.toString(Long.MIN_VALUE));
    private static final byte[] HEX = ascii("0123456789ABCDEF");
    private static final int LONGEST_NUMBER = 20;

    private byte[] bytes;
    private int end;

    JsonWriter(int length) {
        bytes = new byte[length];
    }

    /** Returns the bytes of an ASCII constant. */
    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** Returns the bytes of a text. */
    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Whether this is the plain text of a value. */
    static boolean isText(Value value, byte[] text) {
        JsonWriter out = new JsonWriter(text.length);
        value.putPlain(out);
        return Arrays.equals(out.bytes, 0, out.end, text, 0, text.length);
    }

    byte[] toBytes() {
        return Arrays.copyOf(bytes, end);
    }

    int length() {
        return end;
    }

    void skip(int length) {
        room(length);
        end += length;
    }

    /** Writes a number into four bytes that were skipped. */
    void set(int at, int number) {
        ByteBuffer.wrap(bytes).putInt(at, number);
    }

    JsonWriter put(byte[] text) {
        return put(text, 0, text.length);
    }

    JsonWriter put(byte[] text, int from, int to) {
        room(to - from);
        System.arraycopy(text, from, bytes, end, to - from);
        end += to - from;
        return this;
    }

    JsonWriter putNull() {
        return put(NULL);
    }

    /** Appends UTF-8 in quotes; nothing in it may need an escape. */
    JsonWriter putQuoted(byte[] text, int from, int to) {
        room(to - from + 2);
        bytes[end++] = '"';
        put(text, from, to);
        room(1);
        bytes[end++] = '"';
        return this;
    }

    JsonWriter putEscaped(byte[] text) {
        room(6 * text.length + 2);
        bytes[end++] = '"';
        for (byte c : text) {
            int place = "\"\\\b\f\n\r\t".indexOf(c);
            if (place >= 0) {
                bytes[end++] = '\\';
                bytes[end++] = (byte) "\"\\bfnrt".charAt(place);
            } else if (c >= 0 && c < ' ') {
                put(ascii("\\u00"));
                bytes[end++] = HEX[c >> 4];
                bytes[end++] = HEX[c & 15];
            } else {
                bytes[end++] = c;
            }
        }
        bytes[end++] = '"';
        return this;
    }

    JsonWriter put(long number) {
        if (number == Long.MIN_VALUE) {
            return put(LEAST); // it has no absolute value
        }
        room(LONGEST_NUMBER);
        if (number < 0) {
            bytes[end++] = '-';
        }
        long rest = Math.abs(number);
        int digits = 1;
        for (long more = rest / 10; more > 0; more /= 10) {
            digits++;
        }
        putDigits(rest, digits);
        return this;
    }

    /** Appends a time in seconds since 1970 as ISO 8601, UTC, from 0 to LAST_SECOND: "2021-04-29T19:28:30Z". */
    JsonWriter putSeconds(long seconds) {
        room(32);
        bytes[end++] = '"';
        putTime(seconds);
        bytes[end++] = 'Z';
        bytes[end++] = '"';
        return this;
    }

    /** Appends a time in milliseconds since 1970 in the same way: "2021-04-29T19:28:30.456Z". */
    JsonWriter putMilliseconds(long milliseconds) {
        room(32);
        bytes[end++] = '"';
        putTime(milliseconds / 1000);
        bytes[end++] = '.';
        putDigits(milliseconds % 1000, 3);
        bytes[end++] = 'Z';
        bytes[end++] = '"';
        return this;
    }

    private void putTime(long seconds) {
        LocalDateTime time = LocalDateTime.ofEpochSecond(seconds, 0, ZoneOffset.UTC);
        putDigits(time.getYear(), 4);
        bytes[end++] = '-';
        putDigits(time.getMonthValue(), 2);
        bytes[end++] = '-';
        putDigits(time.getDayOfMonth(), 2);
        bytes[end++] = 'T';
        putDigits(time.getHour(), 2);
        bytes[end++] = ':';
        putDigits(time.getMinute(), 2);
        bytes[end++] = ':';
        putDigits(time.getSecond(), 2);
    }

    private void putDigits(long number, int digits) {
        end += digits;
        for (int at = end - 1; at >= end - digits; at--) {
            bytes[at] = (byte) ('0' + number % 10);
            number /= 10;
        }
    }

    private void room(int more) {
        if (end + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, end + more));
        }
    }
}
