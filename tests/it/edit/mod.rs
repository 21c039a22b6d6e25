//! Edits of `ecsws.toml` in every form that TOML has for the same keys: only the edited keys change, and no other byte.

mod writer;

use ecsws::stack::{KeyChange, ScalingEdit, ScalingNumbers, edit_scaling};
use proptest::prelude::*;
use toml::{Table, Value};
use writer::Writer;

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![0..5u32, 10..5000u32]
}

fn table(pairs: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Table {
    pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

fn metric() -> impl Strategy<Value = Option<Value>> {
    let metric = (1..100u32, any::<bool>()).prop_map(|(target, cooldown)| {
        let cooldown = cooldown.then(|| Value::from("30s"));
        Value::from(table([("target", Some(Value::from(target))), ("scale_in_cooldown", cooldown)]))
    });
    proptest::option::of(metric)
}

fn service() -> impl Strategy<Value = Value> {
    let autoscaling =
        (proptest::option::of(number()), number(), metric(), metric()).prop_map(|(min, max, cpu, memory)| {
            let number = |number: Option<u32>| number.map(Value::from);
            Value::from(table([("min", number(min)), ("max", number(Some(max))), ("cpu", cpu), ("memory", memory)]))
        });
    let texts =
        prop::sample::select(vec!["a", "count = 1", "# { [services.api]", "x\n[services.api]\ncount = 1\n", ""]);
    let whole = (proptest::option::of(number()), proptest::option::of(autoscaling), texts, any::<[bool; 4]>());
    whole.prop_map(|(count, autoscaling, text, [early, exec, ports, policy])| {
        let count = count.map(Value::from);
        let container = Value::from(table([
            ("image", Some(Value::from(text))),
            ("ports", ports.then(|| Value::from(vec![80, 443]))),
            ("environment", exec.then(|| Value::from(table([("count", Some(Value::from(text)))])))),
        ]));
        let statement = Value::from(table([("actions", Some(Value::from(vec!["s3:*"])))]));
        Value::from(table([
            ("count", count.clone().filter(|_| early)),
            ("cpu", Some(Value::from(256))),
            ("container", Some(container)),
            ("count", count.filter(|_| !early)),
            ("task_policy", policy.then(|| Value::from(vec![statement]))),
            ("exec", exec.then(|| Value::from(true))),
            ("autoscaling", autoscaling),
        ]))
    })
}

fn spec() -> impl Strategy<Value = Table> {
    (service(), service(), any::<bool>()).prop_map(|(api, web, swapped)| {
        let services =
            if swapped { [("web", Some(web)), ("api", Some(api))] } else { [("api", Some(api)), ("web", Some(web))] };
        table([
            ("cdk", Some(Value::from(2))),
            ("tags", Some(Value::from(table([("count", Some(Value::from(1)))])))),
            ("services", Some(Value::from(table(services)))),
        ])
    })
}

fn scaling() -> impl Strategy<Value = ScalingNumbers> {
    let one = || proptest::option::of(number());
    prop_oneof![
        number().prop_map(|count| ScalingNumbers { count: Some(count), ..ScalingNumbers::default() }),
        (one(), one(), one(), one()).prop_map(|(min, max, cpu, memory)| ScalingNumbers {
            count: None,
            min,
            max,
            cpu,
            memory
        }),
    ]
}

/// What the edit should make of the values.
fn expected(mut spec: Table, scaling: &ScalingNumbers) -> Table {
    fn entry<'t>(table: &'t mut Table, key: &str) -> &'t mut Table {
        table.entry(key).or_insert_with(|| Table::new().into()).as_table_mut().expect("a table")
    }
    let service = entry(entry(&mut spec, "services"), "api");
    let set = |table: &mut Table, key: &str, number: Option<u32>| {
        if let Some(number) = number {
            table.insert(key.to_owned(), number.into());
        }
    };
    let ScalingNumbers { count, min, max, cpu, memory } = *scaling;
    set(service, "count", count);
    if [min, max, cpu, memory].iter().any(Option::is_some) {
        service.remove("count");
        let autoscaling = entry(service, "autoscaling");
        set(autoscaling, "min", min);
        set(autoscaling, "max", max);
        for (metric, target) in [("cpu", cpu), ("memory", memory)] {
            if target.is_some() {
                set(entry(autoscaling, metric), "target", target);
            }
        }
    }
    spec
}

fn parsed(text: &str) -> Table {
    text.trim_start_matches('\u{feff}').parse().unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Whether `text` is `longer` with some of its bytes left out.
fn is_within(text: &str, longer: &str) -> bool {
    let mut bytes = longer.bytes();
    text.bytes().all(|byte| bytes.any(|other| other == byte))
}

/// The middles of both texts, without what they have in common at both ends.
fn middles<'a>(old: &'a str, new: &'a str) -> (&'a str, &'a str) {
    let same = |pairs: &mut dyn Iterator<Item = (u8, u8)>| pairs.take_while(|(a, b)| a == b).count();
    let start = same(&mut old.bytes().zip(new.bytes()));
    let end = same(&mut old[start..].bytes().rev().zip(new[start..].bytes().rev()));
    (&old[start..old.len() - end], &new[start..new.len() - end])
}

/// No byte changes but those of the one key that does.
fn assert_only(change: &KeyChange, old: &str, new: &str) {
    match (&change.old, &change.new) {
        (Some(_), Some(_)) => {
            let (before, after) = middles(old, new);
            let is_part = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
            assert!(is_part(before) && is_part(after), "{before:?} became {after:?} in\n{old}");
        }
        (None, _) => assert!(is_within(old, new) && new.len() - old.len() < 100, "{old}\n---\n{new}"),
        (_, None) => {
            assert!(is_within(new, old), "{old}\n---\n{new}");
            let comments = |text: &str| text.matches('#').count() - text.matches("{ [services.api]").count();
            assert!(comments(old) - comments(new) <= usize::from(change.comment.is_some()), "{old}\n---\n{new}");
        }
    }
}

proptest! {
    #[test]
    fn an_edit_changes_its_keys_and_no_other_byte(spec in spec(), seed in any::<u64>(), scaling in scaling()) {
        let text = Writer::document(seed, &spec);
        prop_assert_eq!(&parsed(&text), &spec, "{}", text);
        let ScalingNumbers { count, min, max, cpu, memory } = scaling;
        let none = ScalingNumbers::default();
        // One key at a time, so that the text can be compared byte by byte.
        let steps = [
            ScalingNumbers { count, ..none }, ScalingNumbers { max, ..none }, ScalingNumbers { min, ..none }, ScalingNumbers { cpu, ..none }, ScalingNumbers { memory, ..none },
        ];
        let (mut now, mut values) = (text.clone(), spec.clone());
        for step in steps {
            let ScalingEdit { text: edited, changes } = edit_scaling(&now, "api", &step).expect("it can be edited");
            values = expected(values, &step);
            prop_assert_eq!(&parsed(&edited), &values, "{}\n---\n{}", now, edited);
            match changes.as_slice() {
                [] => prop_assert_eq!(&edited, &now),
                [change] => assert_only(change, &now, &edited),
                _ => {}
            }
            prop_assert_eq!(edited.starts_with('\u{feff}'), now.starts_with('\u{feff}'));
            // A last line that goes may leave an empty line before it.
            let is_removed = changes.iter().any(|change| change.new.is_none());
            prop_assert!(is_removed || edited.ends_with('\n') == now.ends_with('\n'), "{}\n---\n{}", now, edited);
            now = edited;
        }
        let at_once = edit_scaling(&text, "api", &scaling).expect("it can be edited");
        prop_assert_eq!(&parsed(&at_once.text), &expected(spec, &scaling), "{}\n---\n{}", text, at_once.text);
    }
}
