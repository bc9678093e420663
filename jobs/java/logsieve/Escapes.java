package logsieve;

import java.nio.charset.StandardCharsets;

/** Resolves the escapes in JSON strings. */
final class Escapes {
    private Escapes() {}

    /** Returns the content, in UTF-8, of a string between its quotes; Json must have accepted it. */
    static byte[] resolved(byte[] text, int from, int to) {
        String written = new String(text, from, to - from, StandardCharsets.UTF_8);
        StringBuilder meant = new StringBuilder(written.length());
        for (int at = 0; at < written.length(); at++) {
            char c = written.charAt(at);
            if (c == '\\') {
                c = written.charAt(++at);
                int place = "bfnrt".indexOf(c);
                if (c == 'u') {
                    c = (char) Integer.parseInt(written, at + 1, at + 5, 16);
                    at += 4;
                } else if (place >= 0) {
                    c = "\b\f\n\r\t".charAt(place);
                }
            }
            meant.append(c);
        }
        return meant.toString().getBytes(StandardCharsets.UTF_8);
    }
}
