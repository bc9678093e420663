package logsieve;

import java.util.Arrays;
import java.util.Locale;

/**
 * The fields of a log, in the order of its status message: the rule of each, and the limits of that rule.
 *
 * A text's limits count characters (code points).
 */
enum Field {
    EVENT_ID(Rules::text, 1, 64),
    ACCOUNT_ID(Rules::integer, Integer.MIN_VALUE, Integer.MAX_VALUE),
    EVENT_TYPE(Rules::text, 1, 64),
    DEVICE(Rules::text, 1, 64),
    LOCATION_COUNTRY(Rules::text, 1, 64),
    EVENT_TIMESTAMP(Rules::time, 0, JsonWriter.LAST_SECOND);

    /** Parses the text of a field: returns its value, or the rule that it breaks. */
    interface Rule {
        Value parse(Text text, long least, long most);
    }

    /** All fields; `values()` would copy them for each log. */
    static final Field[] ALL = values();

    /** Its name in JSON. */
    final String member = name().toLowerCase(Locale.ROOT);

    private final byte[] memberBytes = JsonWriter.ascii(member);
    private final Rule rule;
    private final long least;
    private final long most;

    Field(Rule rule, long least, long most) {
        this.rule = rule;
        this.least = least;
        this.most = most;
    }

    /** Returns the field of a name in UTF-8, or null. */
    static Field named(byte[] bytes, int from, int to) {
        for (Field field : ALL) {
            if (Arrays.equals(field.memberBytes, 0, field.memberBytes.length, bytes, from, to)) {
                return field;
            }
        }
        return null;
    }

    /**
     * Returns the field's value, or the rule of form that it breaks.
     *
     * @param read what Json.read returned for the field
     */
    Value parse(Value read) {
        return read instanceof Text text ? rule.parse(text, least, most) : read;
    }
}
