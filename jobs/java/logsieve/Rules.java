package logsieve;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The rules that decide a log's status, from top to bottom. The contract says which of them each field obeys, and its
 * limits. No other code decides a status.
 *
 * Names and words match include/contract/reasons.py; tests/spark/test_cases.py has an example of each.
 */
final class Rules {
    private static final byte[] TRUE = JsonWriter.ascii("true");
    private static final byte[] FALSE = JsonWriter.ascii("false");

    private Rules() {}

    /** Applies the rules of form to the value of a log: a log that breaks any is bad. `received`: see Across. */
    static Log form(byte[] value, Contract contract, long received) {
        Value[] values = Json.read(value, contract);
        if (values == null) {
            values = new Value[contract.fields.length];
            contract.members.fill(values, Value.Broken.MISSING);
            return new Log(values, List.of("not_json"));
        }
        List<String> reasons = List.of();
        for (Field field : contract.fields) {
            Value found = field.parse(values[field.place]);
            values[field.place] = found;
            if (found instanceof Value.Broken rule) {
                reasons = with(reasons, rule.reason(field));
            }
        }
        for (Across rule : contract.across) {
            if (rule.isBroken(values, received)) {
                reasons = with(reasons, rule.name());
            }
        }
        return new Log(values, reasons);
    }

    /** A text; the limits are numbers of characters, each of which takes at least one byte. */
    static Value text(Text text, Field field) {
        if (text.length() < field.least || field.least > 1 && text.characters() < field.least) {
            return text.length() == 0 ? Value.Broken.EMPTY : Value.Broken.TOO_SHORT;
        }
        if (text.length() > field.most && text.characters() > field.most) {
            return Value.Broken.TOO_LONG;
        }
        if (!isAllowed(text, field)) {
            return Value.Broken.NOT_ALLOWED;
        }
        return field.matches(text) ? text : Value.Broken.NO_MATCH;
    }

    /** An integer, with or without a sign. */
    static Value integer(Text text, Field field) {
        long number = text.integer();
        if (number < field.least || number > field.most || number == Text.NO_INTEGER && !text.isLeastInteger()) {
            return Value.Broken.INVALID;
        }
        Value.Whole found = new Value.Whole(number);
        return field.choices == null || isAllowed(plain(Long.toString(number)), field) ? found : Value.Broken.NOT_ALLOWED;
    }

    /** A number, with or without a fraction and an exponent; of those between two that a double can be, the nearest. */
    static Value number(Text text, Field field) {
        if (!text.isNumber()) {
            return Value.Broken.INVALID;
        }
        double number = Double.parseDouble(new String(text.copy(), StandardCharsets.US_ASCII));
        return number >= field.leastNumber && number <= field.mostNumber ? new Value.Real(number) : Value.Broken.INVALID;
    }

    /** `true` or `false`. */
    static Value truth(Text text, @SuppressWarnings("unused") Field field) {
        return text.is(TRUE) ? Value.Truth.TRUE : text.is(FALSE) ? Value.Truth.FALSE : Value.Broken.INVALID;
    }

    /** A time in whole seconds since 1970, UTC. */
    static Value seconds(Text text, Field field) {
        long seconds = text.integer();
        return seconds >= field.least && seconds <= field.most ? new Value.Time(seconds) : Value.Broken.INVALID;
    }

    /** A time in whole milliseconds since 1970, UTC. */
    static Value milliseconds(Text text, Field field) {
        return moment(text.integer(), field);
    }

    /** A time by RFC 3339, with its offset. */
    static Value iso8601(Text text, Field field) {
        return moment(Times.parse(text.bytes(), text.from(), text.to()), field);
    }

    /** An address of IPv4 or IPv6. */
    static Value address(Text text, @SuppressWarnings("unused") Field field) {
        String address = Addresses.parse(text.bytes(), text.from(), text.to());
        return address == null ? Value.Broken.INVALID : plain(address);
    }

    /**
     * Returns the rules of the dimension that a well-formed log breaks: suspicious; or none: good.
     *
     * @param periods the periods of its key, see jobs/judging/users.py; null if the key is unknown
     */
    static List<String> user(LogRecord log, byte[] periods) {
        if (!log.hasKey()) {
            return List.of();
        }
        Dimension dimension = Contract.OURS.dimension;
        int begin = periods == null ? -1 : Periods.on(log.day(), periods);
        if (begin < 0) {
            return dimension.unknown();
        }
        List<String> reasons = List.of();
        int count = dimension.reasons().length;
        for (int each = 0; each < count; each++) {
            int end = Periods.end(periods, begin, each == count - 1);
            if (!log.isAsExpected(each, periods, begin, end)) {
                reasons = with(reasons, dimension.reasons()[each]);
            }
            begin = Periods.next(periods, end);
        }
        return reasons;
    }

    private static Value moment(long milliseconds, Field field) {
        boolean isFine = milliseconds >= field.least && milliseconds <= field.most;
        return isFine ? new Value.Moment(milliseconds) : Value.Broken.INVALID;
    }

    private static boolean isAllowed(Text text, Field field) {
        if (field.choices == null) {
            return true;
        }
        for (byte[] choice : field.choices) {
            if (text.is(choice)) {
                return true;
            }
        }
        return false;
    }

    private static Text plain(String ascii) {
        byte[] bytes = JsonWriter.ascii(ascii);
        return new Text(bytes, 0, bytes.length, false);
    }

    private static List<String> with(List<String> reasons, String more) {
        List<String> longer = reasons.isEmpty() ? new ArrayList<>() : reasons;
        longer.add(more);
        return longer;
    }
}
