import atexit


@atexit.register
def hook():
    print("in the hook")
    while True:
        pass


print("the script is over")
result = "given"
