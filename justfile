# List the recipes with `just --list`.

# Check format, lints and tests, as before each commit.
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    cargo test

# Run the tests with third-party tools; installs them into .peers.
peers:
    tests/it/peers/install .peers
    ECSWS_PEERS="$PWD/.peers" cargo test --test it -- --ignored peers::

# Regenerate the completion scripts.
completions:
    cargo build
    target/debug/ecsws completions bash > completions/ecsws.bash
    target/debug/ecsws completions elvish > completions/ecsws.elv
    target/debug/ecsws completions fish > completions/ecsws.fish
    target/debug/ecsws completions powershell > completions/_ecsws.ps1
    target/debug/ecsws completions zsh > completions/_ecsws

# Benchmark synth and logs with criterion.
bench:
    cargo bench

# Benchmark start-up and synth as processes, with hyperfine.
bench-synth:
    cargo build --release
    hyperfine --shell=none --warmup 5 'target/release/ecsws --version' 'target/release/ecsws -C tests/data/synth/seed synth'

# Benchmark a deploy without changes against the cdk's, on one sandbox.
bench-deploy:
    cargo build --release
    tests/it/peers/install .peers
    tests/it/peers/bench-deploy target/release/ecsws .peers

# Benchmark reading log events against awslogs and the AWS CLI, on a local server.
bench-logs:
    cargo build --release
    tests/it/peers/install .peers
    tests/it/peers/bench-logs target/release/ecsws .peers

# Print the size of the binary.
size:
    cargo build --release
    ls -l target/release/ecsws
