from collections import defaultdict, deque
from graphlib import CycleError, TopologicalSorter

tasks = input["tasks"]


def kahn(tasks):
    waiting = {task: len(needs) for task, needs in tasks.items()}
    unlocks = defaultdict(list)
    for task, needs in tasks.items():
        for need in needs:
            unlocks[need].append(task)
    ready = deque(sorted(task for task, count in waiting.items() if count == 0))
    order = []
    while ready:
        task = ready.popleft()
        order.append(task)
        for next_task in sorted(unlocks[task]):
            waiting[next_task] -= 1
            if waiting[next_task] == 0:
                ready.append(next_task)
    if len(order) < len(tasks):
        raise ValueError("a cycle among " + ", ".join(sorted(set(tasks) - set(order))))
    return order


sorter = TopologicalSorter(tasks)
sorter.prepare()
batches = []
while sorter.is_active():
    batch = sorted(sorter.get_ready())
    batches.append(batch)
    sorter.done(*batch)

order = kahn(tasks)
position = {task: at for at, task in enumerate(order)}
assert all(position[need] < position[task] for task, needs in tasks.items() for need in needs)



def depth(task):
    return 1 + max((depth(need) for need in tasks[task]), default=0)


for number, batch in enumerate(batches, 1):
    print(f"{number}. {' + '.join(batch)}")

broken = tasks | {"generate": ["deploy"]}
try:
    kahn(broken)
except ValueError as error:
    print(error)
try:
    list(TopologicalSorter(broken).static_order())
except CycleError as error:
    circle = error.args[1]
    print("cycle of", len(circle) - 1, "through generate:", "generate" in circle)

result = {"order": order, "batches": len(batches), "critical_path": max(map(depth, tasks))}
