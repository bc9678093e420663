package logsieve;

import java.util.List;

/**
 * A log that was read and checked by the rules of form: its values, and why it is bad.
 *
 * @param values in the order of the contract's fields
 * @param reasons all of them, in the order of the fields, then of the rules; a log that has any is bad
 */
record Log(Value[] values, List<String> reasons) {
    boolean isBad() {
        return !reasons.isEmpty();
    }

    Value get(Field field) {
        return values[field.place];
    }
}
