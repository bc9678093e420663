package logsieve;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The text of a JSON string or number, in UTF-8 without escapes.
 *
 * @param bytes has it from `from` (inclusive) to `to` (exclusive)
 * @param isEscaped whether it was written with escapes, so it may need them again
 */
record Text(byte[] bytes, int from, int to, boolean isEscaped) implements Value {
    /** Below the least value of every field, except of one whose least it is: see isLeastInteger. */
    static final long NO_INTEGER = Long.MIN_VALUE;

    private static final byte[] LEAST = JsonWriter.ascii(Long.toString(Long.MIN_VALUE).substring(1));

    /** Returns the text of a string between its quotes; Json must have accepted it. */
    static Text unescaped(byte[] bytes, int from, int to) {
        byte[] meant = Escapes.resolved(bytes, from, to);
        return new Text(meant, 0, meant.length, true);
    }

    int length() {
        return to - from;
    }

    /** The length in characters (code points). */
    int characters() {
        int count = 0;
        for (int at = from; at < to; at++) {
            count += (bytes[at] & 0xC0) == 0x80 ? 0 : 1;
        }
        return count;
    }

    /** Parses the text as an integer, `[+-]?[0-9]+`; returns NO_INTEGER if it is none, or has more than 64 bits. */
    long integer() {
        int at = from;
        boolean isNegative = at < to && bytes[at] == '-';
        if (at < to && (bytes[at] == '-' || bytes[at] == '+')) {
            at++;
        }
        if (at == to) {
            return NO_INTEGER;
        }
        long number = 0;
        for (; at < to; at++) {
            int digit = bytes[at] - '0';
            if (digit < 0 || digit > 9 || number > Long.MAX_VALUE / 10) {
                return NO_INTEGER;
            }
            number = number * 10 + digit;
            if (number < 0) { // it has overflowed
                return NO_INTEGER;
            }
        }
        return isNegative ? -number : number;
    }

    /** Whether it is the least integer of 64 bits, which `integer` cannot tell from none. */
    boolean isLeastInteger() {
        int begin = from + 1;
        while (begin < to && bytes[begin] == '0') {
            begin++;
        }
        return from < to && bytes[from] == '-' && Arrays.equals(LEAST, 0, LEAST.length, bytes, begin, to);
    }

    /** Whether it is a number as JSON writes it, or with a plus or zeros before it. */
    boolean isNumber() {
        int at = from < to && (bytes[from] == '-' || bytes[from] == '+') ? from + 1 : from;
        int end = digits(at);
        if (end == at) {
            return false;
        }
        if (end < to && bytes[end] == '.') {
            at = end + 1;
            end = digits(at);
            if (end == at) {
                return false;
            }
        }
        if (end < to && (bytes[end] | 0x20) == 'e') {
            at = end + 1;
            at += at < to && (bytes[at] == '-' || bytes[at] == '+') ? 1 : 0;
            end = digits(at);
            if (end == at) {
                return false;
            }
        }
        return end == to;
    }

    private int digits(int at) {
        int end = at;
        while (end < to && bytes[end] >= '0' && bytes[end] <= '9') {
            end++;
        }
        return end;
    }

    boolean is(byte[] text) {
        return Arrays.equals(text, 0, text.length, bytes, from, to);
    }

    byte[] copy() {
        return Arrays.copyOfRange(bytes, from, to);
    }

    @Override
    public Object plain() {
        return new String(bytes, from, length(), StandardCharsets.UTF_8);
    }

    @Override
    public void putPlain(JsonWriter out) {
        out.put(bytes, from, to);
    }

    @Override
    public void putTo(JsonWriter out) {
        if (isEscaped) {
            out.putEscaped(bytes);
        } else {
            out.putQuoted(bytes, from, to);
        }
    }
}
