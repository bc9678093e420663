package logsieve;

import org.apache.spark.sql.api.java.UDF1;

/** Turns the value of a log (binary) into its record (binary), see Record. */
public final class ReadLog implements UDF1<byte[], byte[]> {
    @Override
    public byte[] call(byte[] value) {
        Field[] fields = Json.read(value);
        return Record.write(fields, Rules.form(fields));
    }
}
