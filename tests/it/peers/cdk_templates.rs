//! Compares our templates of random specs with those of the real CDK (both generations), and our diffs of random pairs of templates with
//! those of the real `cdk diff`. `ECSWS_SEED` sets the seed, which every failure prints.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use ecsws::stack::{Environment, Lock, Spec, Template, TemplateDiff, stacks, synth};
use ecsws::testing::render::text;
use serde_json::{Value, json};

use super::random_spec::{self, Random};
use super::tool;
use crate::common::{data, read, synth_cases};

const SEED: u64 = 1;
const SPECS: usize = 24;
const PAIRS: usize = 40;
const NAME: &str = "ecsworkshop-nodejs";

/// The texts of a spec and its lock.
struct Case {
    name: String,
    spec: String,
    lock: String,
}

impl Case {
    /// Our templates, by stack name.
    fn templates(&self) -> Vec<(String, Value)> {
        let (spec, _) = Spec::parse(&self.spec).unwrap_or_else(|errors| panic!("{}: {errors}", self.name));
        let lock = Lock::parse(&self.lock).unwrap_or_else(|errors| panic!("{}: {errors}", self.name));
        let environment = Environment {
            account: spec.target.account.clone().expect("the spec has a target"),
            region: spec.target.region.clone().expect("the spec has a target"),
        };
        let look_ups = lock.look_ups(&environment);
        let template = |name: &str| synth(&spec, name, &environment, &look_ups).expect("the lock has all look-ups");
        stacks(&spec).into_iter().map(|stack| (stack.name.clone(), template(&stack.name).to_value())).collect()
    }
}

/// The templates of the CDK's libraries for the specs, and the output of `cdk diff` for the pairs.
fn run_cdk(cases: &[Case], pairs: &[(Value, Value)]) -> Value {
    let specs: Vec<Value> = cases.iter().map(|case| json!({ "spec": case.spec, "lock": case.lock })).collect();
    let pairs: Vec<Value> = pairs.iter().map(|(old, new)| json!({ "name": NAME, "old": old, "new": new })).collect();
    let python = tool("python");
    let folder = python.ancestors().nth(2).expect("python is in the folder of the tools");
    let modules = ["cdk-lib", "cdk-cli"].map(|name| folder.join(name).join("node_modules"));
    let mut command = Command::new("node");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/peers/cdk/batch.js"));
    command.env("NODE_PATH", std::env::join_paths(modules).expect("the folders have no colons"));
    command.envs([("CDK_DISABLE_CLI_TELEMETRY", "true"), ("FORCE_COLOR", "0")]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut node = command.spawn().expect("node runs");
    let mut stdin = node.stdin.take().expect("stdin is piped");
    let request = json!({ "specs": specs, "pairs": pairs }).to_string();
    let writer = std::thread::spawn(move || stdin.write_all(request.as_bytes()));
    let output = node.wait_with_output().expect("the process ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    writer.join().expect("the writer does not panic").expect("the request is written");
    serde_json::from_slice(&output.stdout).expect("valid JSON")
}

/// The template without the stress tool's image and first-boot script, which differ from the workshop's on purpose.
fn comparable(mut template: Value) -> Value {
    let map = template.as_object_mut().expect("a template is a map");
    map.shift_remove("Parameters");
    if let Some(instance) = template.pointer_mut("/Resources/InstanceC1063A87/Properties") {
        instance.as_object_mut().expect("properties are a map").retain(|key, _| key != "ImageId" && key != "UserData");
    }
    template
}

/// Our diff, without the empty line at the end, which the CDK prints separately.
fn our_diff((old, new): &(Value, Value)) -> String {
    let template = |value: &Value| Template::from_map(value.as_object().expect("a template is a map").clone());
    let mut lines = text::stack(NAME, &TemplateDiff::between(&template(old), &template(new)), None);
    lines.pop();
    lines.iter().map(|line| line.to_string() + "\n").collect()
}

fn changes(cdks: &str, ours: &str) -> String {
    similar::TextDiff::from_lines(cdks, ours).unified_diff().header("cdk", "ecsws").to_string()
}

#[expect(clippy::disallowed_methods, reason = "ECSWS_SEED is the tests' own variable")]
fn seed() -> u64 {
    std::env::var("ECSWS_SEED").map_or(SEED, |text| text.parse().expect("ECSWS_SEED is a number"))
}

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn templates_and_diffs_are_the_cdks() {
    let seed = seed();
    let mut random = Random::new(seed);
    let recorded = synth_cases().into_iter().map(|name| {
        let folder = data("synth").join(&name);
        let text = |file: &str| read(&Path::new(&folder).join(file));
        Case { spec: text("ecsws.toml"), lock: text("ecsws.lock"), name }
    });
    let mut cases: Vec<Case> = recorded.collect();
    cases.extend((0..SPECS).map(|at| Case {
        name: format!("random spec {at} of seed {seed}"),
        spec: random_spec::spec(&mut random),
        lock: random_spec::lock(),
    }));
    let ours: Vec<Vec<(String, Value)>> = cases.iter().map(Case::templates).collect();
    let pairs: Vec<(Value, Value)> =
        (0..PAIRS).map(|_| random_spec::pair(&mut random, &ours.iter().flatten().collect::<Vec<_>>())).collect();
    let cdks = run_cdk(&cases, &pairs);

    let mut failures = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        let cdks = &cdks["templates"][at];
        if let Some(error) = cdks["error"].as_str() {
            failures.push(format!("{}: the CDK rejects it: {error}\n{}", case.name, case.spec));
            continue;
        }
        for (stack, template) in &ours[at] {
            let (cdks, ours) = (comparable(cdks[stack].clone()), comparable(template.clone()));
            // Compared as text, because the order of keys matters: diffs print it.
            let (cdks, ours) = (format!("{cdks:#}\n"), format!("{ours:#}\n"));
            if cdks != ours {
                failures.push(format!("{}: {stack}\n{}\n{}", case.name, case.spec, changes(&cdks, &ours)));
            }
        }
    }
    let mut compared = 0;
    for (at, pair) in pairs.iter().enumerate() {
        // Some malformed templates make cdk diff fail.
        let Some(cdks) = cdks["diffs"][at].as_str() else { continue };
        compared += 1;
        let ours = our_diff(pair);
        if cdks != ours {
            failures.push(format!("pair {at} of seed {seed}:\n{}", changes(cdks, &ours)));
        }
    }
    assert!(compared * 10 >= PAIRS * 9, "cdk diff compared only {compared} of {PAIRS} pairs of seed {seed}");
    assert!(failures.is_empty(), "seed {seed}: {} differ from the CDK's\n{}", failures.len(), failures.join("\n"));
}
