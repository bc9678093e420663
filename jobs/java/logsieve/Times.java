package logsieve;

import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;

/** Parses times as RFC 3339 writes them, strictly: "2021-04-29T21:28:30.456+02:00". */
final class Times {
    /** No time. */
    static final long NONE = Long.MIN_VALUE;

    private static final String DATE_TIME = "dddd-dd-ddTdd:dd:dd";

    private Times() {}

    /** Returns milliseconds since 1970, UTC; further digits are dropped. NONE if it is not a time with an offset. */
    static long parse(byte[] text, int from, int to) {
        int at = from + DATE_TIME.length();
        if (!isLike(DATE_TIME, text, from, to)) {
            return NONE;
        }
        int milliseconds = 0;
        if (at < to && text[at] == '.') {
            int first = ++at;
            for (int weight = 100; at < to && isDigit(text[at]); at++, weight /= 10) {
                milliseconds += weight * (text[at] - '0');
            }
            if (at == first) {
                return NONE;
            }
        }
        int offset = offset(text, at, to);
        if (offset == Integer.MIN_VALUE) {
            return NONE;
        }
        try {
            LocalDateTime time = LocalDateTime.of(
                    number(text, from, 4),
                    number(text, from + 5, 2),
                    number(text, from + 8, 2),
                    number(text, from + 11, 2),
                    number(text, from + 14, 2),
                    number(text, from + 17, 2));
            return (time.toEpochSecond(ZoneOffset.UTC) - offset) * 1000 + milliseconds;
        } catch (DateTimeException noSuchTime) {
            return NONE;
        }
    }

    /** The offset in seconds; Integer.MIN_VALUE if it is none. */
    private static int offset(byte[] text, int at, int to) {
        if (at + 1 == to && (text[at] | 0x20) == 'z') {
            return 0;
        }
        boolean isWest = at < to && text[at] == '-';
        if (!isLike("dd:dd", text, at + 1, to) || at + 6 != to || !isWest && text[at] != '+') {
            return Integer.MIN_VALUE;
        }
        int hours = number(text, at + 1, 2);
        int minutes = number(text, at + 4, 2);
        if (hours > 23 || minutes > 59) {
            return Integer.MIN_VALUE;
        }
        int seconds = 60 * (60 * hours + minutes);
        return isWest ? -seconds : seconds;
    }

    private static boolean isLike(String shape, byte[] text, int from, int to) {
        if (from + shape.length() > to) {
            return false;
        }
        for (int at = 0; at < shape.length(); at++) {
            char wanted = shape.charAt(at);
            byte c = text[from + at];
            boolean isFine = wanted == 'd' ? isDigit(c) : wanted == 'T' ? (c | 0x20) == 't' : c == wanted;
            if (!isFine) {
                return false;
            }
        }
        return true;
    }

    private static boolean isDigit(byte c) {
        return c >= '0' && c <= '9';
    }

    private static int number(byte[] text, int from, int digits) {
        int number = 0;
        for (int at = from; at < from + digits; at++) {
            number = 10 * number + text[at] - '0';
        }
        return number;
    }
}
