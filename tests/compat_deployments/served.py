"""Serves two deployments of a flow until it is interrupted."""

from flows.etl import etl

from compat import serve

if __name__ == "__main__":
    serve(
        etl,
        etl.to_deployment("own"),
        name="served",
        cron="0 3 * * *",
        tags=["served"],
        parameters={"source": "served"},
        print_starting_message=False,
    )
    print("served until interrupted")
