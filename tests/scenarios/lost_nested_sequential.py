"""A task that submits a task on the sequential runner, seen by a flow that calls its flow.

codes: PF202
"""

from _observing import final_state, note, outcome, result_of
from prefect import flow, task
from prefect.task_runners import SequentialTaskRunner


@task
def check(n):
    note(f"checked {n}")
    if n == 13:
        raise ValueError(n)
    return n


@task
def load(n):
    return check.submit(n).result()


@flow(task_runner=SequentialTaskRunner())
def nightly(numbers):
    return [load.submit(n).result() for n in numbers]


@flow
def publish(numbers):
    total = sum(nightly(numbers))
    note(f"published {total}")


def observe():
    seen = [outcome(publish, [1, 2]), outcome(publish, [1, 13, 3]), final_state(nightly, [13]).name]
    return f"{' | '.join(seen)}; {result_of(nightly, [13])}"


if __name__ == "__main__":
    publish([1, 13, 3])
