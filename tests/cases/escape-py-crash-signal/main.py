import signal

print("before", flush=True)
signal.raise_signal(signal.SIGABRT)
print("after", flush=True)
raise SystemExit(1)
