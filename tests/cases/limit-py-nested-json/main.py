import json

for text in ('{"a":' * 100_000, "[" * 100_000, '[{"a":' * 50_000):
    try:
        json.loads(text)
    except (RecursionError, ValueError) as error:
        print(type(error).__name__)
result = "still here"
