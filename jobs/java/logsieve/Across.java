package logsieve;

/** A rule across fields. It does not apply if one of its fields is broken, which is a reason of its own. */
sealed interface Across {
    /** The reason of a log that breaks it. */
    String name();

    /** Whether a log with these values breaks it. `received`: when, in milliseconds since 1970. */
    boolean isBroken(Value[] values, long received);

    /** A time is not before another one. */
    record NotBefore(String name, Field field, Field than) implements Across {
        @Override
        public boolean isBroken(Value[] values, long received) {
            return values[field.place] instanceof Value.When time
                    && values[than.place] instanceof Value.When other
                    && time.milliseconds() < other.milliseconds();
        }
    }

    /** A time is at most so many milliseconds after that of receipt. */
    record NotInFuture(String name, Field field, long most) implements Across {
        @Override
        public boolean isBroken(Value[] values, long received) {
            return values[field.place] instanceof Value.When time && time.milliseconds() - most > received;
        }
    }

    /** What a class of one's own says; a log that it cannot judge breaks it, for a driver must not end at a log. */
    record Own(String name, OwnRule rule, Field[] fields) implements Across {
        @Override
        public boolean isBroken(Value[] values, long received) {
            Object[] plain = new Object[fields.length];
            for (int each = 0; each < fields.length; each++) {
                Value value = values[fields[each].place];
                if (value instanceof Value.Broken) {
                    return false;
                }
                plain[each] = value.plain();
            }
            try {
                return rule.isBroken(plain);
            } catch (RuntimeException | StackOverflowError error) {
                return true;
            }
        }
    }

    /** A field is there if another one has this value, in UTF-8. */
    record RequiredWhen(String name, Field field, Field whenField, byte[] is) implements Across {
        @Override
        public boolean isBroken(Value[] values, long received) {
            Value value = values[whenField.place];
            return values[field.place] == Value.Nothing.NOTHING
                    && !(value instanceof Value.Broken)
                    && value != Value.Nothing.NOTHING
                    && JsonWriter.isText(value, is);
        }
    }
}
