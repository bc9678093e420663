package logsieve;

import java.util.ArrayList;
import java.util.List;

/**
 * The rules that decide a log's status, from top to bottom. Field lists which of them each field obeys, and its limits.
 * No other code decides a status.
 *
 * Names, words and limits match include/names.py; tests/spark/test_cases.py has an example of each.
 */
final class Rules {
    private Rules() {}

    /**
     * Applies the rules of form: a log that breaks any is bad.
     *
     * @param read the result of Json.read
     */
    static Log form(Value[] read) {
        if (read == null) {
            return new Log("not_json");
        }
        Value[] values = new Value[read.length];
        List<String> reasons = List.of();
        for (Field field : Field.ALL) {
            Value value = field.parse(read[field.ordinal()]);
            values[field.ordinal()] = value;
            if (value instanceof Value.Broken rule) {
                reasons = reasons.isEmpty() ? new ArrayList<>() : reasons;
                reasons.add(rule.reason(field));
            }
        }
        return new Log(values, reasons);
    }

    /** A text; the limits are numbers of characters, each of which takes at least one byte. */
    static Value text(Text text, long least, long most) {
        if (text.length() < least) {
            return Value.Broken.EMPTY;
        }
        return text.length() > most && text.characters() > most ? Value.Broken.TOO_LONG : text;
    }

    /** An integer, with or without a sign. */
    static Value integer(Text text, long least, long most) {
        long number = text.integer();
        return number >= least && number <= most ? new Value.Whole(number) : Value.Broken.INVALID;
    }

    /** A time in whole seconds since 1970, UTC. */
    static Value time(Text text, long least, long most) {
        long seconds = text.integer();
        return seconds >= least && seconds <= most ? new Value.Time(seconds) : Value.Broken.INVALID;
    }

    /**
     * Returns the rule of the users dimension that a well-formed log breaks: suspicious; or null: good.
     *
     * @param periods the periods of its account, see jobs/judging/users.py; null if the account is unknown
     */
    static String user(LogRecord log, byte[] periods) {
        int device = periods == null ? -1 : Periods.deviceOn(log.day(), periods);
        if (device < 0) {
            return "unknown_account";
        }
        return log.isOfDevice(periods, device, Periods.end(periods, device)) ? null : "unexpected_device";
    }
}
