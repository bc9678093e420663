package logsieve;

import java.time.Instant;
import java.util.Locale;

/** What a log has as a field: a value, or the rule of form that it breaks. */
sealed interface Value permits Text, Value.Whole, Value.Real, Value.Truth, Value.When, Value.Nothing, Value.Broken {
    /** Appends the value in the form of the status message. */
    void putTo(JsonWriter out);

    /** Appends the value as plain text in UTF-8, by which it is compared. */
    default void putPlain(JsonWriter out) {
        putTo(out);
    }

    /** The value as rules of one's own get it: String, Long, Double, Boolean, Instant, or null if there is none. */
    Object plain();

    record Whole(long number) implements Value {
        @Override
        public Object plain() {
            return number;
        }

        @Override
        public void putTo(JsonWriter out) {
            out.put(number);
        }
    }

    /** A number that may have a fraction. */
    record Real(double number) implements Value {
        @Override
        public Object plain() {
            return number;
        }

        @Override
        public void putTo(JsonWriter out) {
            out.put(JsonWriter.ascii(Numbers.text(number)));
        }
    }

    enum Truth implements Value {
        FALSE,
        TRUE;

        @Override
        public Object plain() {
            return this == TRUE;
        }

        @Override
        public void putTo(JsonWriter out) {
            out.put(JsonWriter.ascii(this == TRUE ? "true" : "false"));
        }
    }

    /** A time. */
    sealed interface When extends Value permits Time, Moment {
        /** Since 1970, UTC. */
        long milliseconds();

        /** The day since 1970, UTC. */
        int day();

        @Override
        default Object plain() {
            return Instant.ofEpochMilli(milliseconds());
        }
    }

    /** In whole seconds since 1970, UTC. */
    record Time(long seconds) implements When {
        private static final int SECONDS_A_DAY = 86_400;

        @Override
        public int day() {
            return (int) (seconds / SECONDS_A_DAY);
        }

        @Override
        public long milliseconds() {
            return seconds * 1000;
        }

        @Override
        public void putTo(JsonWriter out) {
            out.putSeconds(seconds);
        }
    }

    /** In milliseconds since 1970, UTC. */
    record Moment(long milliseconds) implements When {
        private static final int MILLISECONDS_A_DAY = 86_400_000;

        @Override
        public int day() {
            return (int) (milliseconds / MILLISECONDS_A_DAY);
        }

        @Override
        public void putTo(JsonWriter out) {
            out.putMilliseconds(milliseconds);
        }
    }

    /** A field that may be absent or null, and is. */
    enum Nothing implements Value {
        NOTHING;

        @Override
        public Object plain() {
            return null;
        }

        @Override
        public void putTo(JsonWriter out) {
            out.putNull();
        }

        @Override
        public void putPlain(JsonWriter out) {
            // Nothing.
        }
    }

    /** The rules of form; of a field, only the first that it breaks counts. */
    enum Broken implements Value {
        MISSING,
        NULL,
        INVALID,
        EMPTY,
        TOO_SHORT,
        TOO_LONG,
        NOT_ALLOWED,
        NO_MATCH;

        @Override
        public Object plain() {
            return null;
        }

        String reason(Field field) {
            return name().toLowerCase(Locale.ROOT) + "_" + field.member;
        }

        @Override
        public void putTo(JsonWriter out) {
            out.putNull();
        }
    }
}
