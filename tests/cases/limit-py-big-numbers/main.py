try:
    str(10**5000)
except ValueError as error:
    print(type(error).__name__)
try:
    1 << (1 << 62)
except (MemoryError, OverflowError) as error:
    print(type(error).__name__)
7 ** (7 ** 9)
print("never printed")
