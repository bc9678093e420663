package logsieve;

import java.nio.charset.StandardCharsets;

/** Parses IP addresses, and writes them in one form: of IPv6 that of RFC 5952. */
final class Addresses {
    private static final int GROUPS = 8;
    private static final int LONGEST = 45;

    private Addresses() {}

    /** Returns the address in its one form; null if it is none. A zone ("%eth0") is none of the address's. */
    static String parse(byte[] text, int from, int to) {
        if (to - from > LONGEST) {
            return null;
        }
        String written = new String(text, from, to - from, StandardCharsets.ISO_8859_1);
        if (written.indexOf(':') < 0) {
            return four(written) < 0 ? null : written;
        }
        int[] groups = six(written);
        return groups == null ? null : shortest(groups);
    }

    /** An IPv4 address as a number: four numbers up to 255, none with a zero before it; -1 if it is none. */
    private static long four(String text) {
        String[] parts = text.split("\\.", -1);
        long found = 0;
        for (String part : parts) {
            int number = number(part, 10, 3);
            if (number < 0 || number > 255 || part.length() > 1 && part.charAt(0) == '0') {
                return -1;
            }
            found = found << 8 | number;
        }
        return parts.length == 4 ? found : -1;
    }

    private static int[] six(String text) {
        int gap = text.indexOf("::");
        if (gap < 0) {
            int[] all = groups(text);
            return all != null && all.length == GROUPS ? all : null;
        }
        int[] before = groups(text.substring(0, gap));
        int[] behind = groups(text.substring(gap + 2));
        boolean isFour = text.substring(0, gap).indexOf('.') >= 0; // only at the end
        if (before == null || behind == null || isFour || before.length + behind.length >= GROUPS) {
            return null;
        }
        int[] found = new int[GROUPS];
        System.arraycopy(before, 0, found, 0, before.length);
        System.arraycopy(behind, 0, found, GROUPS - behind.length, behind.length);
        return found;
    }

    /** The groups of a text without "::"; null if one is none. The last two may be an IPv4 address. */
    private static int[] groups(String text) {
        if (text.isEmpty()) {
            return new int[0];
        }
        String[] parts = text.split(":", -1);
        String last = parts[parts.length - 1];
        boolean isFour = last.indexOf('.') >= 0;
        int[] found = new int[parts.length + (isFour ? 1 : 0)];
        for (int at = 0; at < parts.length - (isFour ? 1 : 0); at++) {
            found[at] = number(parts[at], 16, 4);
            if (found[at] < 0) {
                return null;
            }
        }
        if (isFour) {
            long four = four(last);
            if (four < 0) {
                return null;
            }
            found[found.length - 2] = (int) (four >> 16);
            found[found.length - 1] = (int) (four & 0xFFFF);
        }
        return found;
    }

    private static int number(String text, int base, int digits) {
        if (text.isEmpty() || text.length() > digits) {
            return -1;
        }
        int number = 0;
        for (int at = 0; at < text.length(); at++) {
            char c = text.charAt(at);
            int digit = c < 128 ? Character.digit(c, base) : -1;
            if (digit < 0) {
                return -1;
            }
            number = number * base + digit;
        }
        return number;
    }

    /** In lower case, with "::" for the first longest run of at least two zeros; with an IPv4 address after ::ffff:. */
    private static String shortest(int[] groups) {
        int begin = 0;
        int length = 1;
        for (int at = 0; at < GROUPS; at++) {
            int end = at;
            while (end < GROUPS && groups[end] == 0) {
                end++;
            }
            if (end - at > length) {
                begin = at;
                length = end - at;
            }
        }
        if (begin == 0 && length == 5 && groups[5] == 0xFFFF) {
            return "::ffff:" + (groups[6] >> 8) + "." + (groups[6] & 255) + "." + (groups[7] >> 8) + "."
                    + (groups[7] & 255);
        }
        StringBuilder out = new StringBuilder();
        for (int at = 0; at < GROUPS; at++) {
            if (length > 1 && at == begin) {
                out.append("::");
                at += length - 1;
                continue;
            }
            boolean isFirst = out.isEmpty() || out.charAt(out.length() - 1) == ':';
            out.append(isFirst ? "" : ":").append(Integer.toHexString(groups[at]));
        }
        return out.toString();
    }
}
