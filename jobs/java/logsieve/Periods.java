package logsieve;

/** All periods of a key in one text, see jobs/judging/users.py. */
final class Periods {
    private static final int DAY = 7;
    private static final byte BETWEEN_ENTRIES = 0;
    private static final byte BETWEEN_ATTRIBUTES = 1;

    private Periods() {}

    /** Where the attributes of a day (since 1970) begin in the text; -1 if the key is closed or not open yet. */
    static int on(int day, byte[] periods) {
        int end = periods.length;
        while (true) {
            int begin = end;
            while (begin > 0 && periods[begin - 1] != BETWEEN_ENTRIES) {
                begin--;
            }
            if (end - begin < DAY) {
                return -1; // not a valid entry: the tables were edited
            }
            int first = 0;
            for (int at = begin; at < begin + DAY; at++) {
                first = first * 10 + periods[at] - '0';
            }
            // From the last entry backwards: of two entries of one day the later one counts.
            if (first <= day) {
                return begin + DAY == end ? -1 : begin + DAY;
            }
            if (begin == 0) {
                return -1;
            }
            end = begin - 1;
        }
    }

    /** Where the attribute that begins at this position ends. `isLast`: of its entry; it may have any character. */
    static int end(byte[] periods, int attribute, boolean isLast) {
        int end = attribute;
        while (end < periods.length
                && periods[end] != BETWEEN_ENTRIES
                && (isLast || periods[end] != BETWEEN_ATTRIBUTES)) {
            end++;
        }
        return end;
    }

    /** Where the attribute begins that follows one with this end; of an entry that has no more, the end itself. */
    static int next(byte[] periods, int end) {
        return end < periods.length && periods[end] == BETWEEN_ATTRIBUTES ? end + 1 : end;
    }
}
