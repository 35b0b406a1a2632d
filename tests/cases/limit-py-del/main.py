class Grave:
    def __del__(self):
        print("in __del__")
        while True:
            pass


grave = Grave()
del grave
print("never printed")
