package logsieve;

/** All periods of an account, one text: see jobs/judging/users.py. */
final class Periods {
    private static final int DAY = 7;

    private Periods() {}

    /** Where the device of that day (since 1970) begins in the text, or -1 where there is none: closed, or not yet. */
    static int deviceOn(int day, byte[] periods) {
        int end = periods.length;
        while (true) {
            int begin = end;
            while (begin > 0 && periods[begin - 1] != 0) {
                begin--;
            }
            if (end - begin < DAY) {
                return -1; // not of ours: somebody wrote into the tables
            }
            int first = 0;
            for (int at = begin; at < begin + DAY; at++) {
                first = first * 10 + periods[at] - '0';
            }
            // From the last one back: of two entries of one day the later one counts.
            if (first <= day) {
                return begin + DAY == end ? -1 : begin + DAY;
            }
            if (begin == 0) {
                return -1;
            }
            end = begin - 1;
        }
    }

    /** Where the device ends that begins there. */
    static int end(byte[] periods, int device) {
        int end = device;
        while (end < periods.length && periods[end] != 0) {
            end++;
        }
        return end;
    }
}
