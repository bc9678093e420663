package logsieve;

import com.google.re2j.Pattern;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** A field of a log as the contract declares it: where it is, what it may be, and the rule that it obeys. */
final class Field {
    /** Parses the text of a field: returns its value, or the rule that it breaks. */
    interface Rule {
        Value parse(Text text, Field field);
    }

    /** What JSON may have in its place, and whether it may have nothing. */
    record Takes(boolean string, boolean number, boolean bool, boolean nothing, boolean none) {
        static final Takes NO_KIND = new Takes(false, false, false, false, false);
    }

    /** Its place among the contract's fields. */
    final int place;

    /** Its name in the status message. */
    final String member;

    final Takes takes;

    /** The limits of a number, of a time in its unit, or of a text in characters (code points). */
    final long least;

    final long most;

    /** The same of a number that may have a fraction. */
    final double leastNumber;

    final double mostNumber;

    /** The values that are allowed, in UTF-8; null: all. */
    final byte[][] choices;

    final boolean isText;

    private final Rule rule;
    private final Pattern pattern;

    /** @param pattern which the whole text must match; null: any. In the syntax of RE2, so in linear time */
    Field(int place, String member, Rule rule, Takes takes, String[] range, List<String> choices, String pattern) {
        this.place = place;
        this.member = member;
        this.rule = rule;
        this.takes = takes;
        isText = rule == Contract.TEXT;
        boolean isFraction = rule == Contract.NUMBER;
        least = isFraction ? 0 : Long.parseLong(range[0]);
        most = isFraction ? 0 : Long.parseLong(range[1]);
        leastNumber = Double.parseDouble(range[0]);
        mostNumber = Double.parseDouble(range[1]);
        this.choices = choices.isEmpty()
                ? null
                : choices.stream().map(each -> each.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new);
        this.pattern = pattern == null ? null : Pattern.compile(pattern);
    }

    /**
     * Returns the field's value, or the rule of form that it breaks.
     *
     * @param read what Json.read returned for the field
     */
    Value parse(Value read) {
        if (read instanceof Text text) {
            return rule.parse(text, this);
        }
        boolean isFine = read == Value.Broken.MISSING && takes.nothing || read == Value.Broken.NULL && takes.none;
        return isFine ? Value.Nothing.NOTHING : read;
    }

    /** Whether the whole text matches the pattern. */
    boolean matches(Text text) {
        return pattern == null || pattern.matches(text.copy());
    }
}
