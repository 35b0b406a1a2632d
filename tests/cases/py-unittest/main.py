import io
import unittest
from unittest import mock

ROMAN = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"),
         (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]


def to_roman(number):
    if not 0 < number < 4000:
        raise ValueError(f"{number} has no roman numeral")
    text = ""
    for value, letters in ROMAN:
        count, number = divmod(number, value)
        text += letters * count
    return text


def from_roman(text):
    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
    numbers = [values[letter] for letter in text] + [0]
    return sum(-a if a < b else a for a, b in zip(numbers, numbers[1:]))


def stamp(clock):
    return f"Anno {to_roman(clock.now().year)}"


class RomanTest(unittest.TestCase):
    def test_known(self):
        for number, text in [(4, "IV"), (1999, "MCMXCIX"), (2026, "MMXXVI"), (3888, "MMMDCCCLXXXVIII")]:
            with self.subTest(number=number):
                self.assertEqual(to_roman(number), text)

    def test_round_trip(self):
        self.assertTrue(all(from_roman(to_roman(number)) == number for number in range(1, 4000)))

    def test_limits(self):
        for number in (0, 4000, -1):
            self.assertRaisesRegex(ValueError, "no roman numeral", to_roman, number)

    def test_strictness(self):
        """Fails: the parser takes what nobody would write."""
        with self.assertRaises(ValueError):
            from_roman("IIX")

    def test_clock(self):
        clock = mock.Mock()
        clock.now.return_value.year = 2026
        self.assertEqual(stamp(clock), "Anno MMXXVI")
        clock.now.assert_called_once_with()

    @unittest.skip("numerals above 3999 are not planned")
    def test_large(self):
        self.fail()


stream = io.StringIO()
suite = unittest.defaultTestLoader.loadTestsFromTestCase(RomanTest)
outcome = unittest.TextTestRunner(stream=stream, verbosity=2).run(suite)
for line in stream.getvalue().splitlines():
    if line.startswith(("test_", "FAILED")) or " ... " in line:
        print(line)

result = {
    "run": outcome.testsRun,
    "failed": [case.id().split(".")[-1] for case, _ in outcome.failures],
    "errors": len(outcome.errors),
    "skipped": [reason for _, reason in outcome.skipped],
}
