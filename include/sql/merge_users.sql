-- Takes what an export says otherwise, table differing (see differing_users.sql), into the history.
-- include/users/history.py runs it, in one transaction, with the day, the next day that was loaded (null: none) and the
-- version that this makes.
--
-- The export decides the days from its own up to the next one that was loaded. For accounts for which it says something
-- else than the history does, the periods in and beside these days are made anew; there are three at most, as no day
-- in between was loaded. Every look-up is told its index: just after another load the statistics are those of before
-- it, and MySQL once read all of the history for each account.

DROP TEMPORARY TABLE IF EXISTS around;

-- It would take room in the buffer pool.
DROP TEMPORARY TABLE new_users;

CREATE TEMPORARY TABLE around (
  account_no   INT NOT NULL PRIMARY KEY,
  becomes      VARCHAR(64),
  left_device  VARCHAR(64) COMMENT 'of the period before the day and up to it, or beyond',
  left_from    DATE COMMENT 'its valid_from',
  right_device VARCHAR(64) COMMENT 'of the period at and behind the next day',
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

-- The others of them are seen a day earlier than up to now, as the same: most accounts, in a day before all others.
UPDATE differing STRAIGHT_JOIN users_history FORCE INDEX (PRIMARY) USING (account_no)
SET seen_from = CAST(%(day)s AS DATE)
WHERE valid_from = '1970-01-01' AND seen_from = CAST(%(next)s AS DATE) AND BINARY user_device = BINARY becomes;

DELETE users_history
FROM around STRAIGHT_JOIN users_history FORCE INDEX (PRIMARY) USING (account_no)
WHERE (valid_to IS NULL OR valid_to >= CAST(%(day)s AS DATE))
  AND (%(next)s IS NULL OR seen_from <= CAST(%(next)s AS DATE)) AND NOT valid_from <=> left_from;

-- A first period that is left lies behind: it is the first no more.
UPDATE around STRAIGHT_JOIN users_history FORCE INDEX (PRIMARY) USING (account_no)
SET valid_from = seen_from
WHERE is_first AND becomes IS NOT NULL AND valid_from = '1970-01-01';

-- Before the day; and if the device is the same, from the day on too …
UPDATE around STRAIGHT_JOIN users_history FORCE INDEX (PRIMARY)
  ON users_history.account_no = around.account_no AND valid_from = left_from
SET valid_to = CASE
  WHEN NOT BINARY left_device <=> BINARY becomes THEN CAST(%(day)s AS DATE)
  WHEN BINARY right_device = BINARY becomes THEN right_to
  ELSE CAST(%(next)s AS DATE)
END;

-- … from the day on, with another device …
INSERT INTO users_history (account_no, user_device, valid_from, valid_to, seen_from)
SELECT account_no, becomes, IF(is_first, '1970-01-01', CAST(%(day)s AS DATE)),
  IF(BINARY right_device = BINARY becomes, right_to, CAST(%(next)s AS DATE)), CAST(%(day)s AS DATE)
FROM around
WHERE becomes IS NOT NULL AND NOT BINARY left_device <=> BINARY becomes;

-- … and from the next day on.
INSERT INTO users_history (account_no, user_device, valid_from, valid_to, seen_from)
SELECT account_no, right_device, IF(is_first AND becomes IS NULL, '1970-01-01', CAST(%(next)s AS DATE)), right_to,
  CAST(%(next)s AS DATE)
FROM around
WHERE right_device IS NOT NULL AND NOT BINARY right_device <=> BINARY becomes;

-- Where the first period went, the one behind it is the first.
UPDATE users_history
JOIN (
  SELECT account_no, MIN(valid_from) AS first_from
  FROM around STRAIGHT_JOIN users_history FORCE INDEX (PRIMARY) USING (account_no)
  WHERE is_first AND becomes IS NULL
  GROUP BY account_no
) AS firsts ON firsts.account_no = users_history.account_no AND first_from = valid_from
SET valid_from = '1970-01-01';

-- The current state is that of the newest day that was loaded: a day before it leaves it as it is.
DELETE users
FROM around STRAIGHT_JOIN users FORCE INDEX (PRIMARY) USING (account_no)
WHERE becomes IS NULL AND %(next)s IS NULL;

INSERT INTO users (account_no, user_device)
SELECT account_no, becomes FROM around WHERE becomes IS NOT NULL AND %(next)s IS NULL
ON DUPLICATE KEY UPDATE user_device = becomes;

-- The days on which a look-up finds another device now. An account that was seen before has them from the day up to the
-- next one. For any other the first period changed, and with it all that is before: it began on the day, or begins there
-- now, and reached (or reaches) back from the day on which the account is seen next. No verdict is older than version 1.
INSERT INTO changes (account_no, version, first_day, end_day)
SELECT account_no, %(version)s, first_day, end_day
FROM (
  SELECT around.account_no,
    CASE
      WHEN NOT is_first THEN CAST(%(day)s AS DATE)
      WHEN BINARY first_device = BINARY now.user_device THEN CAST(%(next)s AS DATE)
      ELSE CAST('1970-01-01' AS DATE)
    END AS first_day,
    -- GREATEST is null when one of them is: there was no first period, or there is none any more.
    COALESCE(IF(first_seen = now.seen_from, NULL, GREATEST(first_seen, now.seen_from)), CAST(%(next)s AS DATE)) AS end_day
  FROM around
  LEFT JOIN users_history AS now FORCE INDEX (PRIMARY)
    ON now.account_no = around.account_no AND now.valid_from = '1970-01-01'
) AS looked_up
WHERE %(version)s > 1 AND NOT first_day <=> end_day;
