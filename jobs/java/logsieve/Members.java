package logsieve;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The members of an object of which a contract wants something: fields, and objects with fields in them. */
final class Members {
    private static final Members[] NONE = {};
    private static final int[] NO_PLACES = {};

    /** Its name in UTF-8; of a log itself, none. */
    final byte[] name;

    /** The kinds of JSON that are taken in its place; of an object with fields, none of the others. */
    Field.Takes takes = Field.Takes.NO_KIND;

    /** The members of an object; of a field, none. */
    private Members[] inside = NONE;

    /** Where its fields are in the contract, or itself. */
    private int[] places = NO_PLACES;

    Members(String name) {
        this.name = name.getBytes(StandardCharsets.UTF_8);
    }

    /** Adds a field at a path from here. */
    void add(String[] path, int from, Field added) {
        places = Arrays.copyOf(places, places.length + 1);
        places[places.length - 1] = added.place;
        if (from == path.length) {
            takes = added.takes;
            return;
        }
        byte[] next = path[from].getBytes(StandardCharsets.UTF_8);
        Members found = named(next, 0, next.length, 0);
        if (found == null) {
            found = new Members(path[from]);
            inside = Arrays.copyOf(inside, inside.length + 1);
            inside[inside.length - 1] = found;
        }
        found.add(path, from + 1, added);
    }

    /** Whether it is an object with fields. */
    boolean isObject() {
        return inside.length > 0;
    }

    /**
     * Returns the member of a name in UTF-8, or null.
     *
     * @param expected where to look first: most senders keep one order
     */
    Members named(byte[] bytes, int from, int to, int expected) {
        int count = inside.length;
        for (int looked = 0, at = expected < count ? expected : 0; looked < count; looked++) {
            Members member = inside[at];
            if (Arrays.equals(member.name, 0, member.name.length, bytes, from, to)) {
                return member;
            }
            at = at + 1 == count ? 0 : at + 1;
        }
        return null;
    }

    /** Notes the same for all its fields, or for itself. */
    void fill(Value[] values, Value with) {
        for (int each : places) {
            values[each] = with;
        }
    }
}
