"""What the tests share: real Prefect environments, projects on disk, the command itself."""
