"""Runs during the build of the Airflow image (Dockerfile): fetches and builds what a start would otherwise need."""

import shutil

from include.settings import Settings
from include.stack.fetch import class_archive, judge_jar, parts, pyspark_home


def main() -> None:
    """Fetches the jars of Spark and of the page; builds the rules' jar, PySpark's bytecode and the class archive.

    Raises StackError if a jar cannot be fetched. Without the class archive the driver only starts slower; its
    failure is printed.
    """
    settings = Settings()
    jars = parts.fetch_jars(settings.parts, "spark", "page", "compiler")
    shutil.rmtree(settings.parts / "ivy-cache")
    pyspark_home.prepare()
    judge_jar.ensure(settings)
    if wrong := class_archive.ensure(settings, jars):
        print(f"No class archive, Spark starts slower: {wrong}")  # noqa: T201


if __name__ == "__main__":
    main()
