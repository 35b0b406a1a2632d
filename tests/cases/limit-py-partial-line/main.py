import sys

sys.stdout.write("one\ntwo, ")
print("three", end=", ")
sys.stdout.buffer.write(b"four, ")
sys.stderr.write("and here")
sys.stdout.writelines(["five", ", six"])
while True:
    pass
