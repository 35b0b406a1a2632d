import random
from collections import Counter, defaultdict

rng = random.Random(input["seed"])
words = input["text"].split()

chain = defaultdict(Counter)
for word, following in zip(words, words[1:]):
    chain[word][following] += 1


def sentence(start, length):
    word, picked = start, [start]
    while len(picked) < length and chain[word]:
        options = sorted(chain[word])
        word = rng.choices(options, weights=[chain[word][option] for option in options])[0]
        picked.append(word)
    return " ".join(picked).capitalize() + "."


sentences = [sentence("the", 6) for _ in range(3)]
again = random.Random(input["seed"])
deck = list(range(10))
again.shuffle(deck)
sample = again.sample(range(100), k=5)

# Seeded generators repeat, in every Python; the unseeded one must not be any known constant.
assert [round(random.Random(42).random(), 12)] == [0.639426798458]
assert random.Random(1).getrandbits(32) == random.Random(1).getrandbits(32)
assert sorted(deck) == list(range(10))
print(deck, sample)

result = {"sentences": sentences, "pairs": sum(sum(c.values()) for c in chain.values()), "common": Counter(words).most_common(2)}
