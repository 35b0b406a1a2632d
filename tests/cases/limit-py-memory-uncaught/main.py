print("before")
data = ["x" * 1_000_000 * n for n in range(1000)]
print("never printed")
