count = 0
while True:
    try:
        open(f"/etc/file-{count}")
    except BaseException:
        count += 1
