class Same:
    def __hash__(self):
        return 1

    def __eq__(self, other):
        return False


table = {}
for number in range(3):
    table[Same()] = number
print(len(table))
while True:
    table[Same()] = 0
