import bailiwick
import time

store = bailiwick.kv("full")
value = bytes(2**20)
written = 0
store.set("brief", value, ttl=3600)
while True:
    try:
        store.set(f"k{written:02}", value)
    except bailiwick.LimitError as error:
        print(error)
        break
    written += 1

refused = f"k{written:02}"
result = {"written": written, "there": refused in store, "names": len(store.list())}
store.delete("k00")
store.set(refused, value)
try:
    store.set("one-more", value)
except bailiwick.LimitError as error:
    result["again"] = error.code
store.set("brief", b"", ttl=0.01)
time.sleep(0.1)
store.set("one-more", value[:1000])
bailiwick.kv("other").set("a", value)
result["after"] = len(store.list())
