import re

print(re.match(r"(a+)+$", "a" * 20 + "a") is not None)
re.match(r"(a|aa)+$", "a" * 60 + "b")
print("never printed")
