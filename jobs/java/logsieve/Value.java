package logsieve;

import java.util.Locale;

/** What a log has as a field: a value, or the rule of form that it breaks. */
sealed interface Value permits Text, Value.Whole, Value.Time, Value.Broken {
    /** Appends the value in the form of the status message. */
    void putTo(JsonWriter out);

    record Whole(long number) implements Value {
        @Override
        public void putTo(JsonWriter out) {
            out.put(number);
        }
    }

    /** In whole seconds since 1970, UTC. */
    record Time(long seconds) implements Value {
        private static final int SECONDS_A_DAY = 86_400;

        int day() {
            return (int) (seconds / SECONDS_A_DAY);
        }

        @Override
        public void putTo(JsonWriter out) {
            out.putSeconds(seconds);
        }
    }

    /** The rules of form; of a field, only the first that it breaks counts. */
    enum Broken implements Value {
        MISSING,
        NULL,
        INVALID,
        EMPTY,
        TOO_LONG;

        String reason(Field field) {
            return name().toLowerCase(Locale.ROOT) + "_" + field.member;
        }

        @Override
        public void putTo(JsonWriter out) {
            out.putNull();
        }
    }
}
