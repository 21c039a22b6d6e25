//! Benchmarks synth: parsing the spec and lock, building the template and writing it as YAML.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ecsws::stack::{Environment, Lock, Spec, stacks, synth};

const CASES: &[(&str, &str, &str)] = &[
    (
        "service",
        include_str!("../tests/data/synth/current-cdk-autoscaling/ecsws.toml"),
        include_str!("../tests/data/synth/current-cdk-autoscaling/ecsws.lock"),
    ),
    (
        "platform",
        include_str!("../tests/data/synth/platform-cdk2/ecsws.toml"),
        include_str!("../tests/data/synth/platform-cdk2/ecsws.lock"),
    ),
];

fn synth_to_yaml(spec: &str, lock: &str) -> String {
    let (spec, _) = Spec::parse(spec).expect("the spec is valid");
    let environment = Environment { account: "123456789012".to_owned(), region: "us-east-1".to_owned() };
    let look_ups = Lock::parse(lock).expect("the lock is valid").look_ups(&environment);
    synth(&spec, &stacks(&spec)[0].name, &environment, &look_ups).expect("the lock has all look-ups").to_yaml()
}

fn benches(criterion: &mut Criterion) {
    for (name, spec, lock) in CASES {
        criterion.bench_function(&format!("parse, synth and print a {name}"), |bencher| {
            bencher.iter(|| synth_to_yaml(black_box(spec), black_box(lock)));
        });
    }
}

criterion_group!(synths, benches);
criterion_main!(synths);
