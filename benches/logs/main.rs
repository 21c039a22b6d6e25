//! Benchmarks `logs` as a process: reading and writing a million events of a local server.
//!
//! `cargo bench --bench logs -- --serve 200000` only serves that many events, for comparisons with other tools.

mod log_server;

use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use criterion::{Criterion, Throughput};

const EVENTS: usize = 1_000_000;

fn read_command(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecsws"));
    command.args(["logs", "--group", "bench", "--start", "3h", "--raw", "--max-rps", "0", "--endpoint-url", url]);
    command.envs([("AWS_ACCESS_KEY_ID", "bench"), ("AWS_SECRET_ACCESS_KEY", "bench"), ("AWS_REGION", "us-east-1")]);
    command
}

fn bench(criterion: &mut Criterion) -> io::Result<()> {
    let url = log_server::serve(EVENTS)?;
    let output = read_command(&url).output()?;
    let lines = output.stdout.split(|byte| *byte == b'\n').count() - 1;
    assert_eq!(lines, EVENTS, "{}", String::from_utf8_lossy(&output.stderr));
    let mut group = criterion.benchmark_group("logs");
    group.throughput(Throughput::Elements(EVENTS as u64)).sample_size(10).measurement_time(Duration::from_secs(20));
    group.bench_function("read a million events", |bencher| {
        bencher.iter(|| read_command(&url).stdout(Stdio::null()).status().expect("it runs"));
    });
    group.finish();
    Ok(())
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [_, events] = arguments.iter().skip_while(|argument| *argument != "--serve").take(2).collect::<Vec<_>>()[..]
    {
        let url = log_server::serve(events.parse().map_err(io::Error::other)?)?;
        writeln!(io::stdout(), "{url}")?;
        loop {
            thread::park();
        }
    }
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}
