# What there is to do here: `just --list`.

# Format, lints, tests: what has to hold before a commit.
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    cargo test

# The checks with other people's tools; installs them into .peers.
peers:
    tests/it/peers/install .peers
    ECSWS_PEERS="$PWD/.peers" cargo test --test it -- --ignored peers::

# Write the completion scripts anew.
completions:
    cargo build
    target/debug/ecsws completions bash > completions/ecsws.bash
    target/debug/ecsws completions elvish > completions/ecsws.elv
    target/debug/ecsws completions fish > completions/ecsws.fish
    target/debug/ecsws completions powershell > completions/_ecsws.ps1
    target/debug/ecsws completions zsh > completions/_ecsws

# The pure parts, by criterion.
bench:
    cargo bench

# Start-up and synth as whole processes, by hyperfine.
bench-synth:
    cargo build --release
    hyperfine --shell=none --warmup 5 'target/release/ecsws --version' 'target/release/ecsws -C tests/data/synth/seed synth'

# A deploy that changes nothing, beside the CDK's of the same ready-made assembly, on one endpoint.
bench-deploy:
    cargo build --release
    tests/it/peers/install .peers
    tests/it/peers/bench-deploy target/release/ecsws .peers

# How large the binary is.
size:
    cargo build --release
    ls -l target/release/ecsws
