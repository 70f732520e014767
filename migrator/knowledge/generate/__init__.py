"""Makes the data of `migrator.knowledge.api` from the real packages. A tool of the repository: it is not installed."""
