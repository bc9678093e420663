package logsieve;

import java.util.List;

/**
 * The dimension: which field is looked up, by which time, and which fields are compared.
 *
 * @param reasons of the attributes, in their order
 * @param unknown why a log with an unknown key is suspicious; empty: it is good
 */
record Dimension(Field key, Field at, Field[] attributes, String[] reasons, List<String> unknown) {
    /** Whether the key is a text and not a number. */
    boolean isOfText() {
        return key.isText;
    }
}
