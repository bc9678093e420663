package logsieve;

import org.apache.spark.sql.api.java.UDF2;

/** The same for a contract with rules that need the time of receipt, in milliseconds since 1970. */
public final class ReadReceivedLog implements UDF2<byte[], Long, byte[]> {
    @Override
    public byte[] call(byte[] value, Long received) {
        return LogRecord.write(Rules.form(value, Contract.OURS, StatusMessage.held(received)));
    }
}
