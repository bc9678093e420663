package logsieve;

import java.util.ArrayList;
import java.util.List;

/**
 * The rules that decide a log's status, from top to bottom. No other code decides a status.
 *
 * Names, words and limits match include/names.py; tests/spark/test_cases.py has an example of each.
 */
final class Rules {
    static final String[] FIELDS = {
        "event_id", "account_id", "event_type", "device", "location_country", "event_timestamp"
    };
    static final int ACCOUNT_ID = 1;
    static final int DEVICE = 3;
    static final int EVENT_TIMESTAMP = 5;

    static final int MAX_TEXT = 64;
    /** 9999-12-31T23:59:59Z. */
    static final long MAX_TIMESTAMP = 253_402_300_799L;

    private Rules() {}

    /**
     * Returns every rule of form that the log breaks; a log that breaks any is bad.
     *
     * @param fields the result of Json.read
     */
    static List<String> form(Field[] fields) {
        if (fields == null) {
            return List.of("not_json");
        }
        List<String> reasons = List.of();
        for (int place = 0; place < fields.length; place++) {
            String rule = broken(fields[place], place);
            fields[place].isBroken = rule != null;
            if (rule != null) {
                reasons = reasons.isEmpty() ? new ArrayList<>() : reasons;
                reasons.add(rule + "_" + FIELDS[place]);
            }
        }
        return reasons;
    }

    /** Returns the first rule of form that the field breaks, or null; a missing field breaks no other rule. */
    static String broken(Field field, int place) {
        return switch (field.kind) {
            case MISSING -> "missing";
            case NULL -> "null";
            case OTHER -> "invalid";
            case TEXT, NUMBER -> switch (place) {
                case ACCOUNT_ID -> field.isInteger(Integer.MIN_VALUE, Integer.MAX_VALUE) ? null : "invalid";
                case EVENT_TIMESTAMP -> field.isInteger(0, MAX_TIMESTAMP) ? null : "invalid";
                default -> brokenText(field);
            };
        };
    }

    private static String brokenText(Field field) {
        if (field.length() == 0) {
            return "empty";
        }
        return field.length() > MAX_TEXT && field.characters() > MAX_TEXT ? "too_long" : null;
    }

    /**
     * Returns the rule of the users dimension that a well-formed log breaks: suspicious; or null: good.
     *
     * @param periods the periods of its account, see jobs/judging/users.py; null if the account is unknown
     */
    static String user(Record log, byte[] periods) {
        int device = periods == null ? -1 : Periods.deviceOn(log.day(), periods);
        if (device < 0) {
            return "unknown_account";
        }
        return log.isOfDevice(periods, device, Periods.end(periods, device)) ? null : "unexpected_device";
    }
}
