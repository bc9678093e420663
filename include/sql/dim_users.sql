-- The users dimension: the device each account is expected to use, and since when. Written by the DAG users_dimension.
CREATE DATABASE IF NOT EXISTS dim_users CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The current state: the accounts of the newest loaded day.
CREATE TABLE IF NOT EXISTS dim_users.users (
  account_no  INT         NOT NULL PRIMARY KEY,
  user_device VARCHAR(64) NOT NULL
);

-- The history of devices. It depends only on the loaded days, not on the order in which they were loaded. A day between
-- two loaded days is like the earlier one, and an account's first period starts in 1970. Periods of an account never
-- overlap.
CREATE TABLE IF NOT EXISTS dim_users.users_history (
  account_no  INT         NOT NULL,
  user_device VARCHAR(64) NOT NULL,
  valid_from  DATE        NOT NULL COMMENT 'UTC, the first day; 1970-01-01 in the first period of an account',
  valid_to    DATE        COMMENT 'UTC, the day after the last; null: still valid',
  seen_from   DATE        NOT NULL COMMENT 'the first day with such an export: valid_from, except in the first period',
  PRIMARY KEY (account_no, valid_from)
);

-- One row: the number of loads that changed the history. Each verdict contains the version that it was judged with.
CREATE TABLE IF NOT EXISTS dim_users.users_version (
  id         TINYINT     NOT NULL DEFAULT 1 PRIMARY KEY,
  version    INT         NOT NULL,
  changed_at DATETIME(3) NOT NULL COMMENT 'UTC'
);

-- The days for which a version changed an account: verdicts with an older version must be rejudged.
CREATE TABLE IF NOT EXISTS dim_users.changes (
  account_no INT  NOT NULL,
  version    INT  NOT NULL,
  first_day  DATE NOT NULL COMMENT 'UTC',
  end_day    DATE COMMENT 'UTC, the day after the last; null: all later days',
  PRIMARY KEY (account_no, version)
);

-- The loaded exports, one row per day.
CREATE TABLE IF NOT EXISTS dim_users.loads (
  ds        DATE        NOT NULL PRIMARY KEY COMMENT 'the day of the export',
  accounts  INT         NOT NULL COMMENT 'rows of the export',
  version   INT         NOT NULL COMMENT 'of the history, once it was loaded',
  loaded_at DATETIME(3) NOT NULL COMMENT 'UTC'
);
