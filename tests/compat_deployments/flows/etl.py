"""Flows that are deployed: a plain one, a renamed copy of it, and a function that is made one."""

import json
import os
from pathlib import Path

from prefect import flow


@flow(name="Nightly ETL", description="Loads everything.", version="1")
def etl(source: str = "db", rows: int = 1):
    seen = {"source": source, "rows": rows, "region": os.environ.get("REGION")}
    Path(os.environ["OBSERVED"], f"{source}.json").write_text(json.dumps(seen))


copied = etl.with_options(name="copied")


def plain():
    """Does nothing."""


wrapped = flow(plain)
