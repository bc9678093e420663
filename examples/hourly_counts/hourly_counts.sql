-- Which ranges of origins are counted. `topics`: the ids of both topics, to which the offsets belong.
CREATE TABLE IF NOT EXISTS logs.counted_ranges (
  topics          VARCHAR(100) NOT NULL,
  kafka_partition INT          NOT NULL,
  first_offset    BIGINT       NOT NULL,
  last_offset     BIGINT       NOT NULL,
  PRIMARY KEY (topics, kafka_partition, first_offset)
);

-- The counts, apart for each range: a correction counts its ranges again.
CREATE TABLE IF NOT EXISTS logs.hourly_counts (
  topics           VARCHAR(100) NOT NULL,
  kafka_partition  INT          NOT NULL,
  first_offset     BIGINT       NOT NULL,
  hour             DATETIME     NOT NULL COMMENT 'UTC, of the event',
  location_country VARCHAR(64)  NOT NULL,
  logs             INT          NOT NULL,
  PRIMARY KEY (topics, kafka_partition, first_offset, hour, location_country),
  KEY hour (hour, location_country)
);
