package logsieve;

import org.apache.spark.sql.api.java.UDF1;

/** Turns the value of a log (binary) into its record (binary), see LogRecord. */
public final class ReadLog implements UDF1<byte[], byte[]> {
    @Override
    public byte[] call(byte[] value) {
        return LogRecord.write(Rules.form(value, Contract.OURS, 0));
    }
}
