print(sum(range(10**5)))
sum(range(10**12))
