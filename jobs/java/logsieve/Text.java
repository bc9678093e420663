package logsieve;

/**
 * The text of a JSON string or number, in UTF-8 without escapes.
 *
 * @param bytes has it from `from` (inclusive) to `to` (exclusive)
 * @param isEscaped whether it was written with escapes, so it may need them again
 */
record Text(byte[] bytes, int from, int to, boolean isEscaped) implements Value {
    /** Below the least value of every field. */
    static final long NO_INTEGER = Long.MIN_VALUE;

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

    /** Parses the text as an integer, `[+-]?[0-9]+`; returns NO_INTEGER if it is none, or far outside every limit. */
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
            // The last condition: checked before an overflow.
            if (digit < 0 || digit > 9 || number > Long.MAX_VALUE / 100) {
                return NO_INTEGER;
            }
            number = number * 10 + digit;
        }
        return isNegative ? -number : number;
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
