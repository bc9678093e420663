package logsieve;

import org.apache.spark.sql.api.java.UDF1;

/** Returns the account of a record (int), null for a bad log. */
public final class AccountOf implements UDF1<byte[], Integer> {
    @Override
    public Integer call(byte[] bytes) {
        LogRecord record = new LogRecord(bytes);
        return record.isBad() ? null : record.account();
    }
}
