-- This file also runs while Airflow is at work. Airflow locks several tables in any order, so we lock one at a time, and
-- each COMMIT releases it: otherwise the two could deadlock. Unlike DROP TRIGGER, OR REPLACE does not block readers.

-- A scheduler that is killed while it holds the lock of the pools leaves workers behind, which keep its connection open:
-- the lock stays, and no task starts any more. PostgreSQL ends a transaction in which nothing happens for so long.
ALTER ROLE CURRENT_USER SET idle_in_transaction_session_timeout = '20s';

-- `airflow dags test` creates a run in this database and executes its tasks itself; `airflow tasks test` does so with
-- one task. The scheduler would execute some of these tasks too, and they would fail. It ignores runs that are not due
-- yet and tasks in a pool without slots, so these triggers make test runs and their tasks look like that.
CREATE OR REPLACE FUNCTION is_a_test(run dag_run) RETURNS boolean AS $$
  SELECT run.triggered_by = 'TEST' OR starts_with(run.run_id, '__airflow_temporary_run_')
$$ LANGUAGE sql;

CREATE OR REPLACE FUNCTION not_due_yet() RETURNS trigger AS $$
BEGIN
  NEW.run_after := NEW.run_after + INTERVAL '1 day';
  RETURN NEW;
END
$$ LANGUAGE plpgsql;

CREATE OR REPLACE TRIGGER dags_test BEFORE INSERT ON dag_run
FOR EACH ROW WHEN (is_a_test(NEW)) EXECUTE FUNCTION not_due_yet();

COMMIT;

-- `airflow tasks test` without a date first deletes a run of the same DAG that has no date, even one that is running.
-- Runs that a person, the API or another DAG triggers have none, so they get one.
CREATE OR REPLACE FUNCTION dated() RETURNS trigger AS $$
BEGIN
  NEW.logical_date := clock_timestamp();
  RETURN NEW;
END
$$ LANGUAGE plpgsql;

CREATE OR REPLACE TRIGGER dated BEFORE INSERT ON dag_run
FOR EACH ROW WHEN (NEW.logical_date IS NULL) EXECUTE FUNCTION dated();

COMMIT;

-- Dates are unique within a DAG.
UPDATE dag_run SET logical_date = run_after + id * INTERVAL '1 microsecond' WHERE logical_date IS NULL;

COMMIT;

INSERT INTO slot_pool (pool, slots, description, include_deferred)
VALUES ('dags_test', 0, 'Tasks of airflow dags test and tasks test: the scheduler must not take them', FALSE)
ON CONFLICT (pool) DO NOTHING;

CREATE OR REPLACE FUNCTION pool_of_a_test() RETURNS trigger AS $$
BEGIN
  IF EXISTS (SELECT FROM dag_run AS run WHERE dag_id = NEW.dag_id AND run_id = NEW.run_id AND is_a_test(run)) THEN
    NEW.pool := 'dags_test';
  END IF;
  RETURN NEW;
END
$$ LANGUAGE plpgsql;

-- Also whenever Airflow sets the pool again; OF pool keeps it from firing at every heartbeat.
CREATE OR REPLACE TRIGGER dags_test BEFORE INSERT OR UPDATE OF pool ON task_instance
FOR EACH ROW EXECUTE FUNCTION pool_of_a_test();

COMMIT;

-- A DAG that is scheduled on an asset runs with the events up to the time of its row here, and Airflow keeps the time of the
-- first event: one that comes while the DAG is busy waits for the next event, which may never come. The row gets the
-- time of the last event instead.
CREATE OR REPLACE FUNCTION last_event() RETURNS trigger AS $$
BEGIN
  UPDATE asset_dag_run_queue SET created_at = GREATEST(created_at, NEW.created_at)
  WHERE asset_id = NEW.asset_id AND target_dag_id = NEW.target_dag_id;
  RETURN NEW;
END
$$ LANGUAGE plpgsql;

CREATE OR REPLACE TRIGGER last_event BEFORE INSERT ON asset_dag_run_queue
FOR EACH ROW EXECUTE FUNCTION last_event();
