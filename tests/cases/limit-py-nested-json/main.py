import json

print("before")
try:
    json.loads('{"a":' * 100_000)
except (RecursionError, ValueError) as error:
    print(type(error).__name__)
