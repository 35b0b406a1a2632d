line = 0
while True:
    try:
        print(f"line {line} of the flood")
    except BaseException:
        pass
    line += 1
