# `cargo install just`, or read the commands here: each is one line.

# What a change must pass.
check: test

# Format, lints, dependencies, all tests.
test:
    scripts/test.sh

# Accept the current output as expected: golden files, cases, compile-fail errors. Read the diff afterwards.
bless:
    BAILIWICK_BLESS=1 TRYBUILD=overwrite cargo test --workspace --no-fail-fast

# The main job, as in the README.
demo:
    cargo run -- run guest-examples/summary.wat --policy policies/summary.toml --as summary-bot

# Build the guests of guest-examples/ that are not text.
guests:
    scripts/guests.sh

# Every benchmark, with its floor in the same run; rewrites the table of docs/performance.md.
bench:
    scripts/bench.sh

# Every fuzz target, a minute each; installs cargo-fuzz when it is missing. 0 runs the seeds only.
fuzz seconds="60":
    scripts/fuzz.sh {{seconds}}

# Known vulnerabilities in dependencies. Needs the network.
audit:
    cargo deny --workspace check advisories
