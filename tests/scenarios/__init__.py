"""Programs for Prefect 2, one per pattern whose meaning changes on Prefect 3.

Each is a module of user code with a function `observe()` that runs it and gives what is to be seen, in a few words. The
docstring has the pattern in its first line, then lines of these words:

    codes: PF410 PF411      what `check` reports of it
    fix: none               where no fix exists (for one target: `fix: none for both`); without the line both targets have one

`tests/support/scenarios.py` runs them as they are on both majors, and what `fix` makes of them for either target. What was
seen on Prefect 2 has to be seen wherever a fix was made, and not on Prefect 3 without it.

They share a process, in the order of their names. Those that store results in blocks of their own come last: after them Prefect 2.20
does not retry a flow any more.
"""
