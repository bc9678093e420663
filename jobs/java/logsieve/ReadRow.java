package logsieve;

import org.apache.spark.sql.api.java.UDF2;

/** The same for a log that was rebuilt from its row: its fields are beside each other, by their names. */
public final class ReadRow implements UDF2<byte[], Long, byte[]> {
    @Override
    public byte[] call(byte[] value, Long received) {
        return LogRecord.write(Rules.form(value, Contract.OF_ROWS, StatusMessage.held(received)));
    }
}
