import asyncio


async def main():
    await asyncio.wait([asyncio.create_task(asyncio.sleep(3600)), asyncio.create_task(asyncio.Event().wait())])


asyncio.run(main())
