"""What Prefect 2 knew of a deployment, as data, and what Prefect 3 needs instead. Nothing here reads a file or imports Prefect."""
