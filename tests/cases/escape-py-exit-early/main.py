import os

result = "set before"
try:
    open("/etc/passwd")
except PermissionError as error:
    print(error.code, flush=True)
os._exit(0)
