package logsieve;

/** One of the six fields of a log as it was read: its kind and its text. */
final class Field {
    enum Kind { MISSING, NULL, TEXT, NUMBER, OTHER }

    Kind kind = Kind.MISSING;

    /** For TEXT and NUMBER: its UTF-8 without escapes, from `from` (inclusive) to `to` (exclusive). */
    byte[] bytes;
    int from;
    int to;

    /** The text as an integer: see `isInteger`. */
    long number;

    /** Whether the text was written with escapes, so it may need them again. */
    boolean isEscaped;

    /** Whether the field breaks a rule of form. */
    boolean isBroken;

    void is(Kind kind, byte[] bytes, int from, int to, boolean isEscaped) {
        this.kind = kind;
        this.bytes = isEscaped ? Escapes.resolved(bytes, from, to) : bytes;
        this.from = isEscaped ? 0 : from;
        this.to = isEscaped ? this.bytes.length : to;
        this.isEscaped = isEscaped;
    }

    int length() {
        return to - from;
    }

    /** The length of the text in characters (code points). */
    int characters() {
        int count = 0;
        for (int at = from; at < to; at++) {
            count += (bytes[at] & 0xC0) == 0x80 ? 0 : 1;
        }
        return count;
    }

    /** Parses the text as an integer, `[+-]?[0-9]+`, into `number`; returns whether it is one from least to most. */
    boolean isInteger(long least, long most) {
        int at = from;
        boolean isNegative = at < to && bytes[at] == '-';
        if (at < to && (bytes[at] == '-' || bytes[at] == '+')) {
            at++;
        }
        if (at == to) {
            return false;
        }
        number = 0;
        for (; at < to; at++) {
            int digit = bytes[at] - '0';
            // The last condition: far outside the range, and checked before an overflow.
            if (digit < 0 || digit > 9 || number > Long.MAX_VALUE / 100) {
                return false;
            }
            number = number * 10 + digit;
        }
        number = isNegative ? -number : number;
        return number >= least && number <= most;
    }
}
