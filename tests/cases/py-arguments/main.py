import argparse
import contextlib
import io
import shlex
import sys


def number(text):
    value = float(text)
    if value < -273.15:
        raise argparse.ArgumentTypeError(f"{text} is below absolute zero")
    return value


def build():
    parser = argparse.ArgumentParser(prog="temperature", description="Converts and summarises temperatures.")
    parser.add_argument("-V", "--version", action="version", version="temperature 2.1")
    commands = parser.add_subparsers(dest="command", required=True)
    convert = commands.add_parser("convert", help="convert degrees Celsius")
    convert.add_argument("degrees", nargs="+", type=number)
    convert.add_argument("--to", choices=["f", "k"], default="k")
    convert.add_argument("--precision", type=int, default=1, metavar="DIGITS")
    convert.add_argument("-v", "--verbose", action="count", default=0)
    summary = commands.add_parser("summary", help="mean of temperatures")
    summary.add_argument("degrees", nargs="*", type=number)
    group = summary.add_mutually_exclusive_group()
    group.add_argument("--median", action="store_true")
    group.add_argument("--mean", action="store_false", dest="median")
    return parser


def convert(options):
    scale = {"f": lambda c: c * 9 / 5 + 32, "k": lambda c: c + 273.15}[options.to]
    return [round(scale(degree), options.precision) for degree in options.degrees]


def outcome(line):
    """What a shell would see: exit code, and the last line of what was printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            options = build().parse_args(shlex.split(line))
        except SystemExit as end:
            return end.code, printed.getvalue().strip().splitlines()[-1]
    return 0, vars(options)["command"]


assert sys.argv[1:] == args
options = build().parse_args(args)
if options.verbose:
    print(f"converting {len(options.degrees)} temperatures to {options.to.upper()}")

for line in ["--version", "convert 'not a number'", "convert -- -300", "summary --mean --median", "summary 1 2"]:
    print(line, "->", *outcome(line))

convert(options)
