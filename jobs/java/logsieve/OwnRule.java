package logsieve;

/**
 * A rule that the words of a contract cannot say: `java = { class = "…", fields = […], says = "…" }`.
 *
 * Its class is in jobs/java/own, is public, and has a constructor without arguments. One instance judges all logs of a
 * JVM, from several threads. Like every rule it decides by the log alone: the same values always give the same answer.
 */
public interface OwnRule {
    /**
     * Whether a log breaks the rule. It is not asked if one of the fields is broken, which is a reason of its own; if it
     * throws, the log counts as breaking it.
     *
     * @param values of the rule's fields, in its order: String, Long, Double, Boolean, for a time Instant; null if the
     *     log has none
     */
    boolean isBroken(Object[] values);
}
