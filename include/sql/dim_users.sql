-- The users dimension, current state: the device each account is expected to use.
CREATE DATABASE IF NOT EXISTS dim_users CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS dim_users.users (
  account_no  INT         NOT NULL PRIMARY KEY,
  user_device VARCHAR(64) NOT NULL
);

-- The exports that were loaded, one row a day.
CREATE TABLE IF NOT EXISTS dim_users.loads (
  ds         DATE        NOT NULL PRIMARY KEY COMMENT 'the day of the export',
  accounts   INT         NOT NULL COMMENT 'rows of the export',
  loaded_at  DATETIME(3) NOT NULL COMMENT 'UTC'
);
