-- Merges the differences of an export (table `differing`, see differing_users.sql) into the history.
-- include/users/history.py runs it in one transaction with the day, the next loaded day (null: none) and the version
-- that this creates.
--
-- The export determines the days from its own up to the next loaded one. For accounts that differ, the periods in and
-- next to these days are recreated; there are at most three, since no day in between was loaded. Every look-up names
-- its index: right after another load the statistics are outdated, and MySQL once read the whole history per account.

DROP TEMPORARY TABLE IF EXISTS around;

-- Frees its space in the buffer pool.
DROP TEMPORARY TABLE new_users;

CREATE TEMPORARY TABLE around (
  account_no   INT NOT NULL PRIMARY KEY,
  becomes      VARCHAR(64),
  left_device  VARCHAR(64) COMMENT 'of the period before the day and up to it, or beyond',
  left_from    DATE COMMENT 'its valid_from',
  right_device VARCHAR(64) COMMENT 'of the period at and after the next day',
  right_to     DATE,
  first_device VARCHAR(64) COMMENT 'of the first period',
  first_seen   DATE,
  is_first     BOOLEAN NOT NULL COMMENT 'no period begins before the day'
);

INSERT INTO around
SELECT differing.account_no, becomes, before_it.user_device, before_it.valid_from,
  behind.user_device, behind.valid_to, first.user_device, first.seen_from,
  COALESCE(first.seen_from >= CAST(%(day)s AS DATE), TRUE)
FROM differing
LEFT JOIN users_history AS first FORCE INDEX (PRIMARY)
  ON first.account_no = differing.account_no AND first.valid_from = '1970-01-01'
LEFT JOIN users_history AS before_it FORCE INDEX (PRIMARY)
  ON before_it.account_no = differing.account_no AND before_it.seen_from < CAST(%(day)s AS DATE)
  AND (before_it.valid_to IS NULL OR before_it.valid_to >= CAST(%(day)s AS DATE))
LEFT JOIN users_history AS behind FORCE INDEX (PRIMARY)
  ON behind.account_no = differing.account_no AND behind.seen_from <= CAST(%(next)s AS DATE)
  AND (behind.valid_to IS NULL OR behind.valid_to > CAST(%(next)s AS DATE))
WHERE NOT COALESCE(first.seen_from = CAST(%(next)s AS DATE) AND BINARY first.user_device = BINARY becomes, FALSE);

-- The other accounts only appear earlier, with the same device: most of them do, if the day precedes all others.
UPDATE differing STRAIGHT_JOIN users_history FORCE INDEX (PRIMARY) USING (account_no)
SET seen_from = CAST(%(day)s AS DATE)
WHERE valid_from = '1970-01-01' AND seen_from = CAST(%(next)s AS DATE) AND BINARY user_device = BINARY becomes;

DELETE users_history
FROM around STRAIGHT_JOIN users_history FORCE INDEX (PRIMARY) USING (account_no)
WHERE (valid_to IS NULL OR valid_to >= CAST(%(day)s AS DATE))
  AND (%(next)s IS NULL OR seen_from <= CAST(%(next)s AS DATE)) AND NOT valid_from <=> left_from;

-- A remaining first period comes after the day, so it is no longer the first.
UPDATE around STRAIGHT_JOIN users_history FORCE INDEX (PRIMARY) USING (account_no)
SET valid_from = seen_from
WHERE is_first AND becomes IS NOT NULL AND valid_from = '1970-01-01';

-- The period before the day; if the device is the same, it also covers the days from the day on …
UPDATE around STRAIGHT_JOIN users_history FORCE INDEX (PRIMARY)
  ON users_history.account_no = around.account_no AND valid_from = left_from
SET valid_to = CASE
  WHEN NOT BINARY left_device <=> BINARY becomes THEN CAST(%(day)s AS DATE)
  WHEN BINARY right_device = BINARY becomes THEN right_to
  ELSE CAST(%(next)s AS DATE)
END;

-- … the period from the day on, with another device …
INSERT INTO users_history (account_no, user_device, valid_from, valid_to, seen_from)
SELECT account_no, becomes, IF(is_first, '1970-01-01', CAST(%(day)s AS DATE)),
  IF(BINARY right_device = BINARY becomes, right_to, CAST(%(next)s AS DATE)), CAST(%(day)s AS DATE)
FROM around
WHERE becomes IS NOT NULL AND NOT BINARY left_device <=> BINARY becomes;

-- … and the period from the next loaded day on.
INSERT INTO users_history (account_no, user_device, valid_from, valid_to, seen_from)
SELECT account_no, right_device, IF(is_first AND becomes IS NULL, '1970-01-01', CAST(%(next)s AS DATE)), right_to,
  CAST(%(next)s AS DATE)
FROM around
WHERE right_device IS NOT NULL AND NOT BINARY right_device <=> BINARY becomes;

-- If the first period was deleted, the period after it becomes the first.
UPDATE users_history
JOIN (
  SELECT account_no, MIN(valid_from) AS first_from
  FROM around STRAIGHT_JOIN users_history FORCE INDEX (PRIMARY) USING (account_no)
  WHERE is_first AND becomes IS NULL
  GROUP BY account_no
) AS firsts ON firsts.account_no = users_history.account_no AND first_from = valid_from
SET valid_from = '1970-01-01';

-- The current state is that of the newest loaded day; an earlier day does not change it.
DELETE users
FROM around STRAIGHT_JOIN users FORCE INDEX (PRIMARY) USING (account_no)
WHERE becomes IS NULL AND %(next)s IS NULL;

INSERT INTO users (account_no, user_device)
SELECT account_no, becomes FROM around WHERE becomes IS NOT NULL AND %(next)s IS NULL
ON DUPLICATE KEY UPDATE user_device = becomes;

-- The days on which a look-up now finds another device. For an account seen before, these are the days from this one up
-- to the next loaded one. For any other account the first period changed, and with it everything before it: the period
-- began or now begins on the day, and reached or reaches back from the day on which the account is seen next. No verdict
-- is older than version 1.
INSERT INTO changes (account_no, version, first_day, end_day)
SELECT account_no, %(version)s, first_day, end_day
FROM (
  SELECT around.account_no,
    CASE
      WHEN NOT is_first THEN CAST(%(day)s AS DATE)
      WHEN BINARY first_device = BINARY now.user_device THEN CAST(%(next)s AS DATE)
      ELSE CAST('1970-01-01' AS DATE)
    END AS first_day,
    -- GREATEST is null if one of them is: there was no first period, or there is none now.
    COALESCE(IF(first_seen = now.seen_from, NULL, GREATEST(first_seen, now.seen_from)), CAST(%(next)s AS DATE)) AS end_day
  FROM around
  LEFT JOIN users_history AS now FORCE INDEX (PRIMARY)
    ON now.account_no = around.account_no AND now.valid_from = '1970-01-01'
) AS looked_up
WHERE %(version)s > 1 AND NOT first_day <=> end_day;
