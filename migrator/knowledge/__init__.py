"""What Prefect was and is: data that was measured on the real packages, and its loaders. No judgement is made here."""
