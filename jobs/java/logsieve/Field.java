package logsieve;

/** One of the six fields of a log, as it was found: what it is, and its text. */
final class Field {
    enum Kind { MISSING, NULL, TEXT, NUMBER, OTHER }

    Kind kind = Kind.MISSING;

    /** Of a TEXT or a NUMBER: its UTF-8 without escapes, from `from` up to `to`. */
    byte[] bytes;
    int from;
    int to;

    /** The text as an integer: see `isInteger`. */
    long number;

    /** Whether the text has characters that JSON wants escaped. */
    boolean isEscaped;

    /** Whether it breaks a rule of form. */
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

    /** How many characters (code points) the text has. */
    int characters() {
        int count = 0;
        for (int at = from; at < to; at++) {
            count += (bytes[at] & 0xC0) == 0x80 ? 0 : 1;
        }
        return count;
    }

    /** Reads the text as an integer, `[+-]?[0-9]+`, into `number`; whether it is one from least to most. */
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
            // The second: far beyond both ends, and before it overflows.
            if (digit < 0 || digit > 9 || number > Long.MAX_VALUE / 100) {
                return false;
            }
            number = number * 10 + digit;
        }
        number = isNegative ? -number : number;
        return number >= least && number <= most;
    }
}
