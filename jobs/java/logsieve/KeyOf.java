package logsieve;

import org.apache.spark.sql.api.java.UDF1;

/** Returns the key by which a record is looked up in the dimension; null for a bad log, and for one without a key. */
public final class KeyOf {
    private KeyOf() {}

    /** Of the type int32. */
    public static final class Int32 implements UDF1<byte[], Integer> {
        @Override
        public Integer call(byte[] bytes) {
            LogRecord record = new LogRecord(bytes);
            return record.hasKey() ? (int) record.key() : null;
        }
    }

    /** Of the type int64. */
    public static final class Int64 implements UDF1<byte[], Long> {
        @Override
        public Long call(byte[] bytes) {
            LogRecord record = new LogRecord(bytes);
            return record.hasKey() ? record.key() : null;
        }
    }

    /** Of the type text. */
    public static final class OfText implements UDF1<byte[], String> {
        @Override
        public String call(byte[] bytes) {
            LogRecord record = new LogRecord(bytes);
            return record.hasKey() ? record.keyText() : null;
        }
    }
}
