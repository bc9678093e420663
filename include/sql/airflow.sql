-- `airflow dags test` makes a run in this database and executes its tasks itself. The scheduler would execute them too,
-- now and then, and both runs would fail. It leaves alone what is not due yet.
CREATE OR REPLACE FUNCTION not_for_the_scheduler() RETURNS trigger AS $$
BEGIN
  NEW.run_after := NEW.run_after + INTERVAL '1 day';
  RETURN NEW;
END
$$ LANGUAGE plpgsql;

DROP TRIGGER IF EXISTS dags_test ON dag_run;

CREATE TRIGGER dags_test BEFORE INSERT ON dag_run
FOR EACH ROW WHEN (NEW.triggered_by = 'TEST') EXECUTE FUNCTION not_for_the_scheduler();
