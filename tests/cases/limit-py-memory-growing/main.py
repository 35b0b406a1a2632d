hoard = []
try:
    while True:
        hoard.append("x" * 4096 + str(len(hoard)))
except MemoryError:
    count = len(hoard)
    hoard = None
print("some fitted:", count > 1000)

tree = None
try:
    while True:
        tree = [tree, tree, bytearray(1024)]
except MemoryError:
    tree = None
print("and again")
result = sum(range(1000))
