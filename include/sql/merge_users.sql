-- Takes the export of a day, which lies in new_users, into the history. include/users_history.py runs it, in one
-- transaction, with the day, the next day that was loaded (null: none) and the version that this makes.
--
-- The export decides the days from its own up to the next one that was loaded. Only accounts for which it says
-- something else than the history does are touched. Devices are compared as bytes: the collation pads with blanks, the
-- stream does not. A temporary table cannot be named twice in a statement, hence three of them, and several steps.

DROP TEMPORARY TABLE IF EXISTS differing, pieces;

CREATE TEMPORARY TABLE differing (
  account_no   INT NOT NULL PRIMARY KEY,
  was          VARCHAR(64) COMMENT 'its device on the day, null: absent',
  becomes      VARCHAR(64),
  first_device VARCHAR(64) COMMENT 'of its first period up to now',
  first_seen   DATE
);

-- New, or with another device.
INSERT INTO differing
SELECT new_users.account_no, was.user_device, new_users.user_device, first.user_device, first.seen_from
FROM new_users
LEFT JOIN users_history AS was
  ON was.account_no = new_users.account_no AND was.seen_from <= CAST(%(day)s AS DATE)
  AND (was.valid_to IS NULL OR was.valid_to > CAST(%(day)s AS DATE))
LEFT JOIN users_history AS first ON first.account_no = new_users.account_no AND first.valid_from = '1970-01-01'
WHERE was.account_no IS NULL OR BINARY was.user_device <> BINARY new_users.user_device;

-- Gone.
INSERT INTO differing
SELECT was.account_no, was.user_device, NULL, first.user_device, first.seen_from
FROM users_history AS was
JOIN users_history AS first ON first.account_no = was.account_no AND first.valid_from = '1970-01-01'
LEFT JOIN new_users ON new_users.account_no = was.account_no
WHERE was.seen_from <= CAST(%(day)s AS DATE) AND (was.valid_to IS NULL OR was.valid_to > CAST(%(day)s AS DATE))
  AND new_users.account_no IS NULL;

CREATE TEMPORARY TABLE pieces (
  account_no  INT         NOT NULL,
  user_device VARCHAR(64) NOT NULL,
  seen_from   DATE        NOT NULL,
  valid_to    DATE,
  PRIMARY KEY (account_no, seen_from)
);

-- What lies before the day …
INSERT INTO pieces
SELECT account_no, user_device, seen_from, LEAST(COALESCE(valid_to, CAST(%(day)s AS DATE)), CAST(%(day)s AS DATE))
FROM differing STRAIGHT_JOIN users_history USING (account_no)
WHERE seen_from < CAST(%(day)s AS DATE);

-- … on it …
INSERT INTO pieces
SELECT account_no, becomes, CAST(%(day)s AS DATE), CAST(%(next)s AS DATE) FROM differing WHERE becomes IS NOT NULL;

-- … and from the next one on; there is no such piece when the next day is null.
INSERT INTO pieces
SELECT account_no, user_device, GREATEST(seen_from, CAST(%(next)s AS DATE)), valid_to
FROM differing STRAIGHT_JOIN users_history USING (account_no)
WHERE COALESCE(valid_to > CAST(%(next)s AS DATE), %(next)s IS NOT NULL);

DELETE users_history FROM differing STRAIGHT_JOIN users_history USING (account_no);

-- Pieces that touch and have the same device are one period; the first one reaches back to the beginning.
INSERT INTO users_history (account_no, user_device, valid_from, valid_to, seen_from)
WITH marked AS (
  SELECT pieces.*, NOT COALESCE(
    LAG(valid_to) OVER by_day = seen_from AND BINARY LAG(user_device) OVER by_day = BINARY user_device, FALSE
  ) AS begins
  FROM pieces
  WINDOW by_day AS (PARTITION BY account_no ORDER BY seen_from)
), numbered AS (
  SELECT marked.*, SUM(begins) OVER (PARTITION BY account_no ORDER BY seen_from) AS period FROM marked
)
SELECT account_no, MIN(user_device), IF(period = 1, '1970-01-01', MIN(seen_from)),
  IF(SUM(valid_to IS NULL), NULL, MAX(valid_to)), MIN(seen_from)
FROM numbered
GROUP BY account_no, period;

-- The current state is that of the newest day that was loaded: a day before it leaves it as it is.
DELETE users FROM differing STRAIGHT_JOIN users USING (account_no) WHERE %(next)s IS NULL;

INSERT INTO users (account_no, user_device)
SELECT account_no, becomes FROM differing WHERE becomes IS NOT NULL AND %(next)s IS NULL;

-- The days on which a look-up finds another device now. An account that was seen before has them from the day up to the
-- next one. For any other the first period changed, and with it all that is before: it began on the day, or begins there
-- now, and reached (or reaches) back from the day on which the account is seen next. No verdict is older than version 1.
INSERT INTO changes (account_no, version, first_day, end_day)
SELECT account_no, %(version)s, first_day, end_day
FROM (
  SELECT differing.account_no,
    CASE
      WHEN first_seen < CAST(%(day)s AS DATE) THEN CAST(%(day)s AS DATE)
      WHEN BINARY first_device = BINARY now.user_device THEN CAST(%(next)s AS DATE)
      ELSE CAST('1970-01-01' AS DATE)
    END AS first_day,
    -- GREATEST is null when one of them is: there was no first period, or there is none any more.
    COALESCE(IF(first_seen = now.seen_from, NULL, GREATEST(first_seen, now.seen_from)), CAST(%(next)s AS DATE)) AS end_day
  FROM differing
  LEFT JOIN users_history AS now ON now.account_no = differing.account_no AND now.valid_from = '1970-01-01'
) AS looked_up
WHERE %(version)s > 1 AND NOT first_day <=> end_day;
