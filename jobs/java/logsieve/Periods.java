package logsieve;

/** All periods of an account in one text, see jobs/judging/users.py. */
final class Periods {
    private static final int DAY = 7;

    private Periods() {}

    /** Where the device of a day (since 1970) begins in the text; -1 if the account is closed or not open yet. */
    static int deviceOn(int day, byte[] periods) {
        int end = periods.length;
        while (true) {
            int begin = end;
            while (begin > 0 && periods[begin - 1] != 0) {
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

    /** Where the device that begins at this position ends. */
    static int end(byte[] periods, int device) {
        int end = device;
        while (end < periods.length && periods[end] != 0) {
            end++;
        }
        return end;
    }
}
