"""Deploys while it is loaded by Prefect, and when it is run as a program, but not when it is imported."""

from prefect import flow

from compat import deploy


@flow
def loose():
    """Could be registered."""


if __name__ != "unguarded":
    deploy(loose, "loose", work_pool_name="local")
