-- What the stream knows beside its verdicts. Their three tables follow from the contract: include/contract/tables.py.
CREATE DATABASE IF NOT EXISTS logs CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The progress of `load` by partition, written in the same transaction as the rows.
CREATE TABLE IF NOT EXISTS logs.load_progress (
  kafka_partition INT         NOT NULL PRIMARY KEY,
  last_offset     BIGINT      NOT NULL COMMENT 'origin: the highest offset of server-logs that is loaded',
  status_offset   BIGINT      NOT NULL COMMENT 'the highest offset of server-logs-status that is loaded',
  loaded_at       DATETIME(3) NOT NULL COMMENT 'UTC'
);

-- What `load` has counted by partition, written in the same transaction as the rows: include/watch/totals.py.
CREATE TABLE IF NOT EXISTS logs.counted (
  kafka_partition INT  NOT NULL PRIMARY KEY,
  totals          JSON NOT NULL
);

-- Which driver may write: a driver takes the next epoch at its start, and each transaction of `load` checks the epoch.
CREATE TABLE IF NOT EXISTS logs.driver_lease (
  name         VARCHAR(64)  NOT NULL PRIMARY KEY,
  epoch        BIGINT       NOT NULL,
  owner        VARCHAR(300) NOT NULL COMMENT 'who starts the driver, such as an Airflow run: its next try takes over at once',
  holder       VARCHAR(255) NOT NULL COMMENT 'host:process id of the JVM, and the application on a cluster',
  heartbeat_at DATETIME(3)  NOT NULL COMMENT 'UTC; 1970 when the driver ended by itself',
  ended_epoch  BIGINT       NOT NULL DEFAULT 0 COMMENT 'the last epoch whose driver reported that its queries had stopped',
  stop_asked_at DATETIME(3) COMMENT 'UTC; the driver stops, and its owner starts no other',
  users_version INT          COMMENT 'of the users history: no verdict is given with an older one any more'
);

-- Each contract that took effect, see include/contract/changing/in_effect.py. The one with the highest version is in effect.
CREATE TABLE IF NOT EXISTS logs.contracts (
  version    INT         NOT NULL PRIMARY KEY,
  document   MEDIUMTEXT  NOT NULL COMMENT 'JSON',
  applied_at DATETIME(3) NOT NULL COMMENT 'UTC'
);

-- The topics to which the offsets above belong. A topic that is deleted and recreated has another id.
CREATE TABLE IF NOT EXISTS logs.topic_ids (
  topic   VARCHAR(249) NOT NULL PRIMARY KEY,
  id      VARCHAR(32)  NOT NULL,
  seen_at DATETIME(3)  NOT NULL COMMENT 'UTC, the first start with it'
);

-- Foreign messages of server-logs-status, written in the same transaction as the rows of their batch.
CREATE TABLE IF NOT EXISTS logs.foreign_messages (
  kafka_partition INT          NOT NULL COMMENT 'of server-logs-status',
  status_offset   BIGINT       NOT NULL,
  reason          VARCHAR(300) NOT NULL,
  message_key     VARBINARY(100) COMMENT 'its beginning',
  head            VARBINARY(1024) COMMENT 'the beginning of its value; null: it has none',
  size            INT          COMMENT 'bytes of its value',
  found_at        DATETIME(3)  NOT NULL COMMENT 'UTC',
  PRIMARY KEY (kafka_partition, status_offset),
  KEY found_at (found_at)
);

-- Where classify last started, and how often in a row. It stops a driver that restarts at the same log repeatedly.
CREATE TABLE IF NOT EXISTS logs.begun (
  kafka_partition INT    NOT NULL PRIMARY KEY,
  next_offset     BIGINT NOT NULL COMMENT 'origin: the first that had no verdict',
  times           INT    NOT NULL
);

-- Up to where the conservation proof has found every hop whole. The hourly proof starts there.
CREATE TABLE IF NOT EXISTS logs.reconciled (
  kafka_partition INT         NOT NULL PRIMARY KEY,
  next_offset     BIGINT      NOT NULL COMMENT 'origin: the first that is not closed',
  status_offset   BIGINT      NOT NULL COMMENT 'the first message of server-logs-status that is not closed',
  reconciled_at   DATETIME(3) NOT NULL COMMENT 'UTC'
);

-- The progress of `load` over time. Logs before end_offset are at least that old, whatever clocks their senders have.
CREATE TABLE IF NOT EXISTS logs.arrived (
  kafka_partition INT         NOT NULL,
  arrived_at      DATETIME(3) NOT NULL COMMENT 'UTC, by the clock of MySQL',
  end_offset      BIGINT      NOT NULL COMMENT 'origin: the first that was not loaded then',
  PRIMARY KEY (kafka_partition, arrived_at)
);

-- What has expired. It is written before rows and documents are removed, so that they are neither missed nor restored.
CREATE TABLE IF NOT EXISTS logs.expired (
  kafka_partition INT         NOT NULL PRIMARY KEY,
  before_offset   BIGINT      NOT NULL COMMENT 'origin: the first that is kept',
  expired_at      DATETIME(3) NOT NULL COMMENT 'UTC'
);

-- Where `load` replaced rows of logs that it had loaded before, by cause, written in the same transaction. announce_rows makes events of it.
CREATE TABLE IF NOT EXISTS logs.corrected (
  kafka_partition INT         NOT NULL,
  status_offset   BIGINT      NOT NULL COMMENT 'the last message of server-logs-status that replaced one of them',
  first_offset    BIGINT      NOT NULL COMMENT 'origin: the first of them',
  last_offset     BIGINT      NOT NULL COMMENT 'origin: the last of them; others between may be unchanged',
  logs            INT         NOT NULL,
  corrected_at    DATETIME(3) NOT NULL COMMENT 'UTC',
  cause           VARCHAR(20) COMMENT 'of docs/assets.md; null: not known',
  first_received_at DATETIME(3) COMMENT 'UTC, of these logs',
  last_received_at  DATETIME(3),
  PRIMARY KEY (kafka_partition, status_offset),
  KEY corrected_at (corrected_at)
);

-- Adds the last three to a table of an earlier version.
SET @change = (
  SELECT IF(COUNT(*), 'DO 0', 'ALTER TABLE logs.corrected ADD COLUMN cause VARCHAR(20),
    ADD COLUMN first_received_at DATETIME(3), ADD COLUMN last_received_at DATETIME(3)')
  FROM information_schema.columns WHERE table_schema = 'logs' AND table_name = 'corrected' AND column_name = 'cause'
);
PREPARE bring_up_to_date FROM @change;
EXECUTE bring_up_to_date;
DEALLOCATE PREPARE bring_up_to_date;
