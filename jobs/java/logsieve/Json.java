package logsieve;

import java.util.Arrays;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * Parses a log: exactly one JSON object, strictly by RFC 8259, in one pass over its bytes.
 *
 * For a repeated name the last value counts. Half of a surrogate pair is refused, because UTF-8 cannot represent it; so
 * is nesting deeper than 999 levels, a limit that the RFC leaves to the parser.
 */
final class Json {
    static final int MAX_DEPTH = 999;

    private static final byte[] TRUE = JsonWriter.ascii("true");
    private static final byte[] FALSE = JsonWriter.ascii("false");
    private static final byte[] NULL = JsonWriter.ascii("null");
    private static final byte[][] NAMES = Arrays.stream(Rules.FIELDS).map(JsonWriter::ascii).toArray(byte[][]::new);

    private static final class Refused extends RuntimeException {
        Refused() {
            super(null, null, false, false); // no stack trace: there may be many bad logs
        }
    }

    private static final Refused REFUSED = new Refused();

    private final byte[] text;
    private int at;
    private boolean isAscii = true;

    private Json(byte[] text) {
        this.text = text;
    }

    /** Returns the fields in the order of Rules.FIELDS, or null if the text is not exactly one JSON object. */
    static Field[] read(byte[] text) {
        if (text == null) {
            return null;
        }
        try {
            return new Json(text).log();
        } catch (Refused refused) {
            return null;
        }
    }

    private Field[] log() {
        Field[] fields = new Field[NAMES.length];
        for (int place = 0; place < fields.length; place++) {
            fields[place] = new Field();
        }
        space();
        object(fields, 1);
        space();
        expect(at == text.length);
        // Characters outside ASCII were accepted in strings only.
        expect(isAscii || UTF8String.fromBytes(text).isValid());
        return fields;
    }

    /** @param fields the fields of the log itself, or null for a nested object */
    private void object(Field[] fields, int depth) {
        expect(take('{') && depth <= MAX_DEPTH);
        space();
        if (take('}')) {
            return;
        }
        do {
            space();
            int from = at + 1;
            boolean isEscaped = string();
            Field field = fields == null ? null : named(fields, from, at - 1, isEscaped);
            space();
            expect(take(':'));
            space();
            value(field, depth);
            space();
        } while (take(','));
        expect(take('}'));
    }

    private void array(int depth) {
        expect(take('[') && depth <= MAX_DEPTH);
        space();
        if (take(']')) {
            return;
        }
        do {
            space();
            value(null, depth);
            space();
        } while (take(','));
        expect(take(']'));
    }

    private void value(Field field, int depth) {
        expect(at < text.length);
        int from = at;
        Field.Kind kind = Field.Kind.OTHER;
        boolean isEscaped = false;
        switch (text[at]) {
            case '"' -> {
                isEscaped = string();
                kind = Field.Kind.TEXT;
            }
            case '{' -> object(null, depth + 1);
            case '[' -> array(depth + 1);
            case 't' -> word(TRUE);
            case 'f' -> word(FALSE);
            case 'n' -> {
                word(NULL);
                kind = Field.Kind.NULL;
            }
            default -> {
                number();
                kind = Field.Kind.NUMBER;
            }
        }
        if (field != null) {
            int quote = kind == Field.Kind.TEXT ? 1 : 0;
            field.is(kind, text, from + quote, at - quote, isEscaped);
        }
    }

    /** Consumes a string; returns whether it contains an escape. */
    private boolean string() {
        expect(take('"'));
        boolean isEscaped = false;
        int next = at;
        while (next < text.length) {
            byte c = text[next++];
            if (c == '"') {
                at = next;
                return isEscaped;
            }
            if (c == '\\') {
                isEscaped = true;
                at = next;
                escape();
                next = at;
            } else if (c < ' ') {
                expect(c < 0);
                isAscii = false;
            }
        }
        throw REFUSED;
    }

    private void escape() {
        expect(at < text.length);
        byte c = text[at++];
        if (c != 'u') {
            expect("\"\\/bfnrt".indexOf(c) >= 0);
            return;
        }
        char unit = unit();
        expect(!Character.isLowSurrogate(unit));
        if (Character.isHighSurrogate(unit)) {
            expect(take('\\') && take('u') && Character.isLowSurrogate(unit()));
        }
    }

    private char unit() {
        expect(at + 4 <= text.length);
        int unit = 0;
        for (int end = at + 4; at < end; at++) {
            int digit = Character.digit(text[at], 16);
            expect(digit >= 0);
            unit = unit << 4 | digit;
        }
        return (char) unit;
    }

    private void number() {
        take('-');
        if (!take('0')) {
            digits();
        }
        if (take('.')) {
            digits();
        }
        if (take('e') || take('E')) {
            if (!take('+')) {
                take('-');
            }
            digits();
        }
    }

    private void digits() {
        int from = at;
        while (at < text.length && text[at] >= '0' && text[at] <= '9') {
            at++;
        }
        expect(at > from);
    }

    private void word(byte[] word) {
        int end = at + word.length;
        expect(end <= text.length && Arrays.equals(word, 0, word.length, text, at, end));
        at = end;
    }

    private void space() {
        while (at < text.length && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) {
            at++;
        }
    }

    private boolean take(char c) {
        boolean isThere = at < text.length && text[at] == c;
        at += isThere ? 1 : 0;
        return isThere;
    }

    private static void expect(boolean isFine) {
        if (!isFine) {
            throw REFUSED;
        }
    }

    private Field named(Field[] fields, int from, int to, boolean isEscaped) {
        byte[] name = isEscaped ? Escapes.resolved(text, from, to) : text;
        int begin = isEscaped ? 0 : from;
        int end = isEscaped ? name.length : to;
        for (int place = 0; place < NAMES.length; place++) {
            if (Arrays.equals(NAMES[place], 0, NAMES[place].length, name, begin, end)) {
                return fields[place];
            }
        }
        return null;
    }
}
