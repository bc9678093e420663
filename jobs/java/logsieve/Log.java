package logsieve;

import java.util.Arrays;
import java.util.List;

/** A log that was read and checked by the rules of form: its values, and why it is bad. */
final class Log {
    private static final Value[] NO_VALUES = new Value[Field.ALL.length];

    static {
        Arrays.fill(NO_VALUES, Value.Broken.MISSING);
    }

    /** All reasons, in the order of the fields; a log that has any is bad. */
    final List<String> reasons;

    private final Value[] values;

    /** @param values in the order of Field.ALL */
    Log(Value[] values, List<String> reasons) {
        this.values = values;
        this.reasons = reasons;
    }

    /** A log without values. */
    Log(String reason) {
        this(NO_VALUES, List.of(reason));
    }

    boolean isBad() {
        return !reasons.isEmpty();
    }

    Value get(Field field) {
        return values[field.ordinal()];
    }

    /** The account; like the methods below, only for a log that is not bad. */
    int account() {
        return (int) ((Value.Whole) get(Field.ACCOUNT_ID)).number();
    }

    /** The day of the event since 1970, UTC. */
    int day() {
        return ((Value.Time) get(Field.EVENT_TIMESTAMP)).day();
    }

    Text device() {
        return (Text) get(Field.DEVICE);
    }
}
