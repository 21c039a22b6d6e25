//! Random specs and random mutations of templates, determined by a seed.

use std::fmt::Write as _;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

/// A lock with all look-ups of the specs, in each of their regions.
pub fn lock() -> String {
    let mut text = "version = 1\n".to_owned();
    for region in REGIONS {
        let environment = format!("account = \"{ACCOUNT}\"\nregion = \"{region}\"\n");
        let _ = write!(
            text,
            "[[availability_zones]]\n{environment}names = [\"{region}a\", \"{region}b\", \"{region}c\"]\n"
        );
        for (name, private) in VPCS {
            let private = if *private { "\"subnet-0b1\", \"subnet-0b2\"" } else { "" };
            let _ = write!(
                text,
                "[[vpc]]\n{environment}name = \"{name}\"\nid = \"vpc-0a1\"\n\
                 public_subnets = [\"subnet-0a1\", \"subnet-0a2\"]\nprivate_subnets = [{private}]\n"
            );
        }
    }
    text
}

const ACCOUNT: &str = "123456789012";
const REGIONS: &[&str] = &["us-east-1", "cn-north-1", "us-gov-west-1", "us-isob-east-1", "il-central-1"];
/// The VPCs of the specs, with or without private subnets.
const VPCS: &[(&str, bool)] = &[("ecsworkshop-base/BaseVPC", true), ("base-2/BaseVPC", true), ("open", false)];

/// A seeded random number generator.
pub struct Random(StdRng);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        *items.choose(&mut self.0).expect("the list is not empty")
    }

    /// Between `min` and `max` distinct items, in random order.
    fn some<T: Copy>(&mut self, items: &[T], min: usize, max: usize) -> Vec<T> {
        let count = min + self.below(max - min + 1);
        items.sample(&mut self.0, count).copied().collect()
    }

    fn text(&mut self, letters: &str, length: usize) -> String {
        let letters: Vec<char> = letters.chars().collect();
        (0..length).map(|_| self.one_of(&letters)).collect()
    }

    /// Adds `key = value` to a table with a probability of 1 in `rarity`.
    fn maybe(&mut self, table: &mut String, rarity: usize, key: &str, value: impl FnOnce(&mut Self) -> String) {
        if self.one_in(rarity) {
            let value = value(self);
            let _ = writeln!(table, "{key} = {value}");
        }
    }
}

fn quoted(text: impl AsRef<str>) -> String {
    toml::Value::from(text.as_ref()).to_string()
}

/// A spec that both ecsws and the CDK accept.
pub fn spec(random: &mut Random) -> String {
    let cdk = 1 + random.below(2);
    let region = random.one_of(REGIONS);
    let mut text = format!("cdk = {cdk}\n[target]\naccount = \"{ACCOUNT}\"\nregion = \"{region}\"\n");
    if random.one_in(4) {
        text.push_str("[tags]\nteam = \"web\"\n2 = \"b\"\n1 = \"a\"\n");
    }
    text.push_str(&platform(random));
    for at in 0..=random.below(2) {
        text.push_str(&service(random, at));
    }
    text
}

fn platform(random: &mut Random) -> String {
    let mut text = String::new();
    if random.one_in(3) {
        text.push_str("[platform]\n");
        random.maybe(&mut text, 2, "cluster", |_| "\"prod\"".to_owned());
        random.maybe(&mut text, 2, "namespace", |random| {
            random.one_of(&["\"ns-0a1\"", "{ import = \"Space\" }"]).to_owned()
        });
        random.maybe(&mut text, 2, "security_group", |_| "\"sg-0a1\"".to_owned());
        match random.below(3) {
            0 => text.push_str("vpc = \"open\"\n"),
            1 => text.push_str("subnets = [\"subnet-1\", \"subnet-2\"]\n"),
            _ => {}
        }
    }
    if random.one_in(3) {
        text.push_str("[platform.stack]\n");
        random.maybe(&mut text, 2, "name", |_| "\"base-2\"".to_owned());
        random.maybe(&mut text, 2, "cidr", |random| quoted(random.one_of(&["10.8.0.0/16", "192.168.0.0/20"])));
        random.maybe(&mut text, 2, "cluster_name", |_| "\"prod\"".to_owned());
        random.maybe(&mut text, 2, "container_insights", |random| random.one_in(2).to_string());
        random.maybe(&mut text, 2, "namespace", |_| "\"prod.local\"".to_owned());
        random.maybe(&mut text, 2, "stress_tool", |random| random.one_in(2).to_string());
        random.maybe(&mut text, 2, "ports", ports);
    }
    text
}

fn ports(random: &mut Random) -> String {
    format!("[{}]", random.some(&["53", "\"53/udp\"", "80", "\"8080/tcp\"", "\"65535/udp\"", "1"], 1, 6).join(", "))
}

const SIZES: &[(u32, u32)] = &[(256, 512), (512, 4096), (1024, 2048), (16384, 122_880)];

fn service(random: &mut Random, at: usize) -> String {
    let key = random.one_of(&["api", "front-end", "a_b", "nodeJS"]);
    let key = format!("{key}{at}");
    let (cpu, memory) = random.one_of(SIZES);
    let mut text = format!("[services.{key}]\ncpu = {cpu}\nmemory = {memory}\nstack = \"stack-{at}\"\n");
    random.maybe(&mut text, 3, "id", |random| construct_id(random, "Svc"));
    random.maybe(&mut text, 3, "task_id", |random| construct_id(random, "Task"));
    random.maybe(&mut text, 2, "name", |_| format!("\"service-{at}\""));
    random.maybe(&mut text, 2, "count", |random| random.below(9).to_string());
    random
        .maybe(&mut text, 3, "discovery", |random| quoted(format!("{}{at}", random.one_of(&["web", "_x.api", "a-b"]))));
    random.maybe(&mut text, 4, "public_ip", |random| random.one_in(2).to_string());
    random.maybe(&mut text, 4, "platform_version", |random| random.one_of(&["\"LATEST\"", "\"1.4.0\""]).to_owned());
    random.maybe(&mut text, 3, "exec", |random| random.one_in(2).to_string());
    let for_ec2 = random.one_in(4);
    if for_ec2 {
        text.push_str("compatibility = [\"FARGATE\", \"EC2\"]\n");
    }
    random.maybe(&mut text, 3, "deployment", |random| {
        let max = random.one_of(&[150, 200]);
        format!("{{ min_healthy_percent = 100, max_percent = {max}, circuit_breaker = {} }}", random.one_in(2))
    });
    random.maybe(&mut text, 3, "autoscaling", autoscaling);
    text.push_str(&container(random, &key, for_ec2));
    text.push_str(&logs(random, &key));
    text.push_str(&task_policy(random, &key));
    text
}

/// An id with characters that the CDK keeps, drops or replaces.
fn construct_id(random: &mut Random, start: &str) -> String {
    let length = random.one_of(&[0, 1, 5, 20, 250]);
    let tail = random.text("abcXYZ019-._ /\n:é€", length);
    let id = match random.below(5) {
        0 if start == "Svc" => "Default".to_owned() + &tail,
        1 => format!("{start}Resource"),
        _ => format!("{start}{tail}"),
    };
    quoted(id)
}

fn autoscaling(random: &mut Random) -> String {
    let mut fields = format!("max = {}", 1 + random.below(20));
    for metric in random.some(&["cpu", "memory"], 1, 2) {
        let target = random.one_of(&["50", "1.5", "99.99", "70.0"]);
        let cooldown = random.one_of(&["", ", scale_in_cooldown = \"30s\"", ", scale_out_cooldown = \"1m5s\""]);
        let _ = write!(fields, ", {metric} = {{ target = {target}{cooldown} }}");
    }
    format!("{{ {fields} }}")
}

fn container(random: &mut Random, key: &str, for_ec2: bool) -> String {
    let mut text = format!("[services.{key}.container]\nimage = \"ghcr.io/acme/api:1.4\"\n");
    if random.one_in(2) {
        let id = construct_id(random, "Main");
        let _ = writeln!(text, "id = {id}\nname = \"main\"");
    }
    match random.below(3) {
        0 => random.maybe(&mut text, 1, "port", |random| random.one_of(&["80", "\"53/udp\""]).to_owned()),
        1 => random.maybe(&mut text, 1, "ports", ports),
        _ => {}
    }
    random.maybe(&mut text, 4, "command", |random| {
        let words = random.some(&["sh", "-c", "echo $HOME", "", "é", "a\nb"], 1, 6);
        format!("[{}]", words.into_iter().map(quoted).collect::<Vec<_>>().join(", "))
    });
    random.maybe(&mut text, 2, "environment", environment);
    random.maybe(&mut text, 2, "secrets", secrets);
    // The CDK rejects a container without a memory limit if the task is compatible with EC2.
    random.maybe(&mut text, if for_ec2 { 1 } else { 3 }, "memory", |_| "400".to_owned());
    random.maybe(&mut text, 3, "memory_reservation", |_| "256".to_owned());
    random.maybe(&mut text, 3, "health_check", |random| {
        let command = random.one_of(&[
            "[\"CMD-SHELL\", \"true\"]",
            "[\"CMD\", \"true\"]",
            "[\"curl -f localhost\"]",
            "[\"a\", \"b\"]",
        ]);
        let rest =
            random.some(&["interval = \"1m\"", "timeout = \"2s\"", "retries = 9", "start_period = \"0s\""], 0, 4);
        format!(
            "{{ {} }}",
            [format!("command = {command}")]
                .into_iter()
                .chain(rest.into_iter().map(str::to_owned))
                .collect::<Vec<_>>()
                .join(", ")
        )
    });
    text
}

fn environment(random: &mut Random) -> String {
    let names = ["B", "A", "2", "10", "1", "01", "-1", "1.5", "4294967294", "4294967295", "0", " 3", "é"];
    let variables: Vec<String> = random
        .some(&names, 1, names.len())
        .into_iter()
        .map(|name| {
            format!("{} = {}", quoted(name), quoted(random.one_of(&["", "x", "10", "true", "a\nb", "é€😀", "\"$\\"])))
        })
        .collect();
    format!("{{ {} }}", variables.join(", "))
}

fn secrets(random: &mut Random) -> String {
    let count = if random.one_in(6) { random.one_of(&[36, 45, 60, 120]) } else { 1 + random.below(5) };
    let secrets: Vec<String> = (0..count)
        .map(|at| {
            let name = random.one_of(&["S", "", "T_"]);
            // Several variables may have the same source.
            let entry = if random.one_in(8) { 0 } else { at };
            let length = random.one_of(&[3, 10, 40]);
            let path = if random.one_in(3) { random.text("abc-", length) } else { String::new() };
            let source = random.one_of(&["ssm:", "ssm:/prod/", "secretsmanager:prod/"]);
            // Three digits, because the names of the environment variables have none.
            format!("{} = {}", quoted(format!("{name}{}", 300 - at)), quoted(format!("{source}{path}{entry}")))
        })
        .collect();
    format!("{{ {} }}", secrets.join(", "))
}

fn logs(random: &mut Random, key: &str) -> String {
    let mut text = format!("[services.{key}.logs]\n");
    random.maybe(&mut text, 3, "prefix", |_| "\"some/prefix\"".to_owned());
    random.maybe(&mut text, 4, "id", |random| construct_id(random, "Group"));
    random.maybe(&mut text, 4, "group", |_| format!("\"/ecs/{key}\""));
    random.maybe(&mut text, 3, "retention_days", |random| random.one_of(&["7", "731", "\"infinite\""]).to_owned());
    random.maybe(&mut text, 3, "removal", |random| random.one_of(&["\"retain\"", "\"destroy\""]).to_owned());
    text
}

fn task_policy(random: &mut Random, key: &str) -> String {
    let count = if random.one_in(6) { random.one_of(&[30, 100, 200]) } else { random.below(4) };
    let mut text = String::new();
    for at in 0..count {
        let actions = ["s3:GetObject", "s3:PutObject", "sqs:*", "ec2:DescribeSubnets", "s3:GetObject"];
        let actions: Vec<String> = random.some(&actions, 1, actions.len()).into_iter().map(quoted).collect();
        let resources = if random.one_in(6) {
            random.some(&["\"*\"", "\"arn:aws:s3:::a/*\"", "\"arn:aws:s3:::b/*\"", "\"*\""], 1, 4).join(", ")
        } else {
            let length = random.one_of(&[5, 50, 500, 500, 1500]);
            quoted(format!("arn:aws:s3:::{at}-{}", random.text("abcdé😀*", length)))
        };
        let _ = write!(
            text,
            "[[services.{key}.task_policy]]\nactions = [{}]\nresources = [{resources}]\n",
            actions.join(", ")
        );
    }
    text
}

/// Two templates to compare: those of two services, or a template and a mutation of it, in either order.
pub fn pair(random: &mut Random, templates: &[&(String, Value)]) -> (Value, Value) {
    let is_service = |template: &Value| {
        template.pointer("/Resources").is_some_and(|resources| {
            let mut kinds = resources.as_object().into_iter().flatten().map(|(_, resource)| &resource["Type"]);
            kinds.any(|kind| kind == "AWS::ECS::Service")
        })
    };
    let services: Vec<&Value> =
        templates.iter().map(|(_, template)| template).filter(|template| is_service(template)).collect();
    if random.one_in(3) {
        return (random.one_of(&services).clone(), random.one_of(&services).clone());
    }
    let (_, original) = random.one_of(templates);
    let mut mutated = original.clone();
    mutate(random, &mut mutated);
    if random.one_in(2) { (mutated, original.clone()) } else { (original.clone(), mutated) }
}

/// Changes one to four values of a template in ways that `cdk diff` can still compare.
fn mutate(random: &mut Random, template: &mut Value) {
    for _ in 0..=random.below(4) {
        let mut pointers = Vec::new();
        collect_pointers(template, &mut String::new(), 0, &mut pointers);
        let pointer = pointers[random.below(pointers.len())].clone();
        mutate_value(random, template.pointer_mut(&pointer).expect("the pointer was collected from the template"));
    }
}

/// Collects JSON pointers to the resources' properties and metadata and to all values within them, except within intrinsic functions.
fn collect_pointers(value: &Value, path: &mut String, depth: usize, pointers: &mut Vec<String>) {
    if depth > 3 {
        pointers.push(path.clone());
    }
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) if !is_intrinsic(value) => {
            map.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        _ => return,
    };
    let is_visited = |key: &str| match depth {
        0 => key == "Resources",
        2 => key == "Properties" || key == "Metadata",
        // If these are malformed, the CDK prints `undefined` and the like.
        _ => key != "SecurityGroupEgress" && key != "Roles",
    };
    for (key, child) in children.into_iter().filter(|(key, _)| is_visited(key)) {
        let length = path.len();
        let _ = write!(path, "/{key}");
        collect_pointers(child, path, depth + 1, pointers);
        path.truncate(length);
    }
}

fn is_intrinsic(value: &Value) -> bool {
    let is_function = |key: &String| key == "Ref" || key.starts_with("Fn::");
    value.as_object().is_some_and(|map| map.len() == 1 && map.keys().all(is_function))
}

fn mutate_value(random: &mut Random, value: &mut Value) {
    let intrinsic = is_intrinsic(value);
    *value = match (value.take(), random.below(6)) {
        (_, 0) if intrinsic => json!("a value"),
        (value, 1) if intrinsic => json!([value]),
        (_, _) if intrinsic => json!({ "Fn::Split": [",", { "Fn::ImportValue": "List" }] }),
        (Value::Object(mut map), 0) if map.len() > 1 => {
            let key = map.keys().nth(random.below(map.len())).cloned().expect("the index is below the length");
            map.shift_remove(&key);
            Value::Object(map)
        }
        (Value::Object(map), 1) => map.into_iter().map(|(_, value)| value).collect(),
        (Value::Object(mut map), _) => {
            map.insert("Added".to_owned(), json!(random.below(9)));
            Value::Object(map)
        }
        (Value::Array(_), 0) => json!({ "Fn::Split": [",", { "Fn::ImportValue": "List" }] }),
        (Value::Array(items), 1) => json!({ "Fn::Select": [0, items] }),
        (Value::Array(mut items), 2) if !items.is_empty() => {
            items.remove(random.below(items.len()));
            Value::Array(items)
        }
        (Value::Array(mut items), _) => {
            items.insert(random.below(items.len() + 1), json!("added"));
            Value::Array(items)
        }
        // The CDK treats numbers as equal regardless of their notation.
        (Value::String(text), 0) if text.parse::<f64>().is_err() => json!([text]),
        (Value::String(text), 1) => json!({ "Fn::Sub": text }),
        // The CDK's tables wrap lines of wide characters differently.
        (Value::String(text), 2) if text.is_ascii() => json!(format!("{text}\nmore")),
        (Value::String(text), _) => json!(text.chars().rev().collect::<String>() + "-"),
        // The CDK prints no values when a boolean is inverted.
        (Value::Bool(boolean), _) => json!(boolean.to_string() + "?"),
        (number, 0) => json!({ "Ref": number.to_string() }),
        (number, _) => json!(number.as_f64().map_or(5.5, |number| number + 1.5)),
    };
}
