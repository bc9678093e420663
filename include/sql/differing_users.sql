-- Fills the table `differing` with the differences between the export in new_users and the history on a day. It changes
-- nothing else. include/users/history.py runs it with the day. Devices are compared as bytes, since the collation pads
-- with blanks and the stream does not. A statement cannot use a temporary table twice, so this takes several steps.

DROP TEMPORARY TABLE IF EXISTS were, differing;

CREATE TEMPORARY TABLE were LIKE users;

INSERT INTO were
SELECT account_no, user_device FROM users_history
WHERE seen_from <= CAST(%(day)s AS DATE) AND (valid_to IS NULL OR valid_to > CAST(%(day)s AS DATE));

CREATE TEMPORARY TABLE differing (
  account_no INT NOT NULL PRIMARY KEY,
  was        VARCHAR(64) COMMENT 'null: absent',
  becomes    VARCHAR(64)
);

INSERT INTO differing
SELECT account_no, were.user_device, new_users.user_device
FROM new_users LEFT JOIN were USING (account_no)
WHERE were.user_device IS NULL OR BINARY were.user_device <> BINARY new_users.user_device;

INSERT INTO differing
SELECT account_no, were.user_device, NULL
FROM were LEFT JOIN new_users USING (account_no)
WHERE new_users.account_no IS NULL;

-- Frees its space in the buffer pool.
DROP TEMPORARY TABLE were;
