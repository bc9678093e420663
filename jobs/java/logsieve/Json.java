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

    private static final class Refused extends RuntimeException {
        Refused() {
            super(null, null, false, false); // no stack trace: there may be many bad logs
        }
    }

    private static final Refused REFUSED = new Refused();

    private final byte[] text;
    private final Value[] values;
    private int at;
    private boolean isAscii = true;

    private Json(byte[] text, int fields) {
        this.text = text;
        values = new Value[fields];
        Arrays.fill(values, Value.Broken.MISSING);
    }

    /**
     * Returns what the text has for each field of the contract: a Text if that is of a kind that the field takes, else
     * MISSING, NULL or INVALID. Returns null if the text is not exactly one JSON object.
     */
    static Value[] read(byte[] text, Contract contract) {
        if (text == null) {
            return null;
        }
        try {
            return new Json(text, contract.fields.length).log(contract.members);
        } catch (Refused refused) {
            return null;
        }
    }

    private Value[] log(Members members) {
        space();
        object(1, members);
        space();
        expect(at == text.length);
        // Characters outside ASCII were accepted in strings only.
        expect(isAscii || UTF8String.fromBytes(text).isValid());
        return values;
    }

    /**
     * @param depth 1 for the log itself, more for an object in it
     * @param members its members that are wanted; null: none
     */
    private void object(int depth, Members members) {
        expect(take('{') && depth <= MAX_DEPTH);
        space();
        if (take('}')) {
            return;
        }
        int count = 0;
        do {
            space();
            int from = at + 1;
            boolean isEscaped = string();
            Members member = members == null ? null : named(members, from, at - 1, isEscaped, count++);
            space();
            expect(take(':'));
            space();
            Value value = value(member, depth);
            if (member != null && value != null) {
                member.fill(values, value);
            }
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

    /**
     * Consumes a value; returns it if it is of a kind that is taken. Null: an object whose members were noted.
     *
     * @param member null: it is not wanted
     */
    private Value value(Members member, int depth) {
        expect(at < text.length);
        int from = at;
        switch (text[at]) {
            case '"' -> {
                boolean isEscaped = string();
                return member != null && member.takes.string() ? text(from + 1, at - 1, isEscaped) : Value.Broken.INVALID;
            }
            case '{' -> {
                Members inside = member != null && member.isObject() ? member : null;
                if (inside != null) { // for a repeated name the last object counts as a whole
                    inside.fill(values, Value.Broken.MISSING);
                }
                object(depth + 1, inside);
                return inside == null ? Value.Broken.INVALID : null;
            }
            case '[' -> array(depth + 1);
            case 't', 'f' -> {
                word(text[at] == 't' ? TRUE : FALSE);
                return member != null && member.takes.bool() ? text(from, at, false) : Value.Broken.INVALID;
            }
            case 'n' -> {
                word(NULL);
                return Value.Broken.NULL;
            }
            default -> {
                number();
                return member != null && member.takes.number() ? text(from, at, false) : Value.Broken.INVALID;
            }
        }
        return Value.Broken.INVALID;
    }

    private Text text(int from, int to, boolean isEscaped) {
        return isEscaped ? Text.unescaped(text, from, to) : new Text(text, from, to, false);
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

    private Members named(Members members, int from, int to, boolean isEscaped, int expected) {
        byte[] name = isEscaped ? Escapes.resolved(text, from, to) : text;
        return members.named(name, isEscaped ? 0 : from, isEscaped ? name.length : to, expected);
    }
}
