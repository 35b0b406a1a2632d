hoard = []
while True:
    try:
        hoard.append(bytearray(10**6))
    except MemoryError:
        pass
