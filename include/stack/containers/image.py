"""Run while the image of Airflow is built (Dockerfile): all that a start would else fetch or make."""

import shutil

from include.settings import Settings
from include.stack.fetch import class_archive, judge_jar, parts, pyspark_home


def main() -> None:
    """Spark's jars and the page's, the rules as a jar, bytecode for PySpark, and the archive of the driver's classes.

    Raises StackError when a jar cannot be had; without the archive the driver only starts slower, and that is printed.
    """
    settings = Settings()
    jars = parts.fetch_jars(settings.parts, "spark", "page", "compiler")
    shutil.rmtree(settings.parts / "ivy-cache")
    pyspark_home.prepare()
    judge_jar.ensure(settings)
    if wrong := class_archive.ensure(settings, jars):
        print(f"Spark will start slower, no class archive: {wrong}")  # noqa: T201


if __name__ == "__main__":
    main()
