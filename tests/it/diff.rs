//! Diffs read as `cdk diff` prints them.

use ecsws::stack::diff::text::{self, Line};
use ecsws::stack::{Template, TemplateDiff};
use serde_json::{Value, json};

use crate::common::{cdk_template, data, read};

fn template(value: &Value) -> Template {
    Template::from_map(value.as_object().unwrap().clone())
}

/// The deployed template of that name; `empty` is a stack that does not exist.
fn case(name: &str) -> Template {
    template(&if name == "empty" { json!({}) } else { cdk_template(name) })
}

fn printed(lines: &[Line]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn whole(diff: &TemplateDiff) -> String {
    let stack = printed(&text::stack("ecsworkshop-nodejs", diff, None));
    stack + &printed(&text::footer(usize::from(!diff.is_empty())))
}

#[test]
fn diffs_read_as_the_cdks() {
    let mut wrong = Vec::new();
    for file in std::fs::read_dir(data("diff")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let (old, new) = name.split_once("--").unwrap();
        let (old, new) = if old == "same" { ("seed", "seed") } else { (old, new) };
        let ours = whole(&TemplateDiff::between(&case(old), &case(new)));
        let cdks = read(&path);
        if ours != cdks {
            let changes = similar::TextDiff::from_lines(&cdks, &ours).unified_diff().to_string();
            wrong.push(format!("{name}:\n{changes}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ from the CDK's\n{}", wrong.len(), wrong.join("\n"));
}
