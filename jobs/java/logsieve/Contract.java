package logsieve;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * The contract: the fields of a log in the order of its status message, the rules across them, and the dimension.
 *
 * It is read from contract.properties, which include/contract/for_rules.py writes into the jar of the rules.
 */
final class Contract {
    static final Field.Rule NUMBER = Rules::number;
    static final Field.Rule TEXT = Rules::text;

    private static final Map<String, Field.Rule> RULES = Map.ofEntries(
            Map.entry("text", TEXT),
            Map.entry("int32", Rules::integer),
            Map.entry("int64", Rules::integer),
            Map.entry("number", NUMBER),
            Map.entry("boolean", Rules::truth),
            Map.entry("seconds", Rules::seconds),
            Map.entry("milliseconds", Rules::milliseconds),
            Map.entry("iso8601", Rules::iso8601),
            Map.entry("ip", Rules::address));

    private static final Properties FILE = file();

    /** That of the logs. */
    static final Contract OURS = new Contract(false);

    /** That of logs that were rebuilt from their rows: every field is beside the others, and has any form. */
    static final Contract OF_ROWS = new Contract(true);

    final int version = Integer.parseInt(FILE.getProperty("version", "1"));

    final Field[] fields;

    /** The log itself. */
    final Members members = new Members("");

    final Across[] across;

    /** Null: none, so nothing is suspicious. */
    final Dimension dimension;

    /** Ends with an error if the contract cannot be used: a jar is tried before anybody judges by it. */
    public static void main(String[] none) {
        if (OURS.fields.length == 0) {
            throw new IllegalStateException("the contract has no fields");
        }
    }

    private Contract(boolean isOfRows) {
        // A row may be of another version: it met that one's rules, and what changes of users correct is its status.
        boolean isOfAnother = isOfRows && version > 1;
        int count = count("field");
        fields = new Field[count];
        for (int place = 0; place < count; place++) {
            String at = "field." + place + ".";
            Field field = new Field(
                    place,
                    text(at + "name"),
                    RULES.get(text(at + "type")),
                    isOfRows ? new Field.Takes(true, true, true, true, true) : takes(at),
                    isOfAnother ? stored(at) : new String[] {text(at + "least"), text(at + "most")},
                    isOfAnother ? List.of() : list(at + "one_of."),
                    isOfAnother ? null : FILE.getProperty(at + "pattern"));
            fields[place] = field;
            members.add(isOfRows ? new String[] {field.member} : list(at + "path.").toArray(String[]::new), 0, field);
        }
        across = new Across[isOfAnother ? 0 : count("rule")];
        for (int each = 0; each < across.length; each++) {
            across[each] = across("rule." + each + ".");
        }
        dimension = FILE.containsKey("dimension.key") ? dimension() : null;
    }

    private static String[] stored(String at) {
        return new String[] {text(at + "stored_least"), text(at + "stored_most")};
    }

    private static Field.Takes takes(String at) {
        List<String> kinds = list(at + "json.");
        boolean isOptional = text(at + "required").equals("false");
        boolean isNullable = text(at + "null").equals("true");
        boolean isBoolean = kinds.contains("boolean");
        return new Field.Takes(
                kinds.contains("string"), kinds.contains("number"), isBoolean, isOptional, isNullable);
    }

    private Across across(String at) {
        String name = text(at + "name");
        String kind = text(at + "kind");
        if (kind.equals("java")) {
            Field[] given = list(at + "fields.").stream().map(this::field).toArray(Field[]::new);
            return new Across.Own(name, own("own." + text(at + "class")), given);
        }
        Field field = named(at + "field");
        return switch (kind) {
            case "not_before" -> new Across.NotBefore(name, field, named(at + "than"));
            case "not_in_future" -> new Across.NotInFuture(name, field, Long.parseLong(text(at + "milliseconds")));
            case "required_when" ->
                new Across.RequiredWhen(name, field, named(at + "when_field"), JsonWriter.utf8(text(at + "is")));
            default -> throw new IllegalStateException("no such rule: " + kind);
        };
    }

    private static OwnRule own(String name) {
        try {
            return Class.forName(name).asSubclass(OwnRule.class).getConstructor().newInstance();
        } catch (ReflectiveOperationException | ClassCastException error) {
            throw new IllegalStateException(
                    name + " is no public class with a constructor without arguments that implements OwnRule", error);
        }
    }

    private Dimension dimension() {
        List<Field> attributes = new ArrayList<>();
        List<String> reasons = new ArrayList<>();
        for (int each = 0; each < count("attribute"); each++) {
            attributes.add(named("attribute." + each + ".field"));
            reasons.add(text("attribute." + each + ".reason"));
        }
        String unknown = FILE.getProperty("dimension.unknown");
        return new Dimension(
                named("dimension.key"),
                named("dimension.at"),
                attributes.toArray(Field[]::new),
                reasons.toArray(String[]::new),
                unknown == null ? List.of() : List.of(unknown));
    }

    private Field named(String key) {
        return field(text(key));
    }

    private Field field(String name) {
        for (Field field : fields) {
            if (field.member.equals(name)) {
                return field;
            }
        }
        throw new IllegalStateException("there is no field " + name);
    }

    private static int count(String of) {
        return Integer.parseInt(text(of + "s"));
    }

    private static List<String> list(String at) {
        List<String> found = new ArrayList<>();
        while (FILE.containsKey(at + found.size())) {
            found.add(text(at + found.size()));
        }
        return found;
    }

    private static String text(String key) {
        String found = FILE.getProperty(key);
        if (found == null) {
            throw new IllegalStateException("contract.properties has no " + key);
        }
        return found;
    }

    private static Properties file() {
        Properties found = new Properties();
        try (InputStream in = Contract.class.getResourceAsStream("contract.properties")) {
            found.load(new InputStreamReader(in, StandardCharsets.UTF_8));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return found;
    }
}
