import sys

sys.stderr.write("x" * 10**6)
