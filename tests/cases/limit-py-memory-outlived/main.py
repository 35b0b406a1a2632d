# Memory that was refused, and done without.
try:
    large = "b" * 10**9
except MemoryError:
    print("too much")
raise ValueError("ordinary failure")
