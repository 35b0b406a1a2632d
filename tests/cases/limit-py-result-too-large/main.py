result = "x" * 100_000
