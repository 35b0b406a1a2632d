import asyncio
import time


async def produce(queue, count):
    for number in range(count):
        await queue.put(number)
        await asyncio.sleep(0)
    for _ in range(input["workers"]):
        await queue.put(None)


async def consume(name, queue, done, gate):
    while (number := await queue.get()) is not None:
        async with gate:
            await asyncio.sleep(0.001)
            done.append((number, name, number * number))


async def never():
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        print("cancelled, as it should be")
        raise


async def fail(after):
    await asyncio.sleep(after)
    raise ValueError("this one fails")


async def countdown(start):
    while start:
        yield start
        start -= 1
        await asyncio.sleep(0)


async def main():
    queue, done, gate = asyncio.Queue(maxsize=4), [], asyncio.Semaphore(2)
    async with asyncio.TaskGroup() as group:
        group.create_task(produce(queue, input["jobs"]))
        for name in "abc"[: input["workers"]]:
            group.create_task(consume(name, queue, done, gate))

    try:
        await asyncio.wait_for(never(), timeout=0.01)
    except TimeoutError:
        print("timed out")

    answers = await asyncio.gather(fail(0), asyncio.sleep(0.001, "slept"), return_exceptions=True)
    print([type(answer).__name__ for answer in answers])

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail(0.001))
            group.create_task(asyncio.sleep(5))
    except* ValueError as several:
        print("the group failed:", *several.exceptions)

    return {"squares": sorted(square for *_, square in done), "countdown": [n async for n in countdown(3)]}


began = time.monotonic()
result = asyncio.run(main())
assert time.monotonic() - began < 4, "the sleeping task was not cancelled"
