//! Tests of edits of `ecsws.toml`.

use super::*;

const TEXT: &str =
    "# mine\n[services.api]\ncpu = 256 # small\ncount = 1   # for now\n\n[services.api.container]\nimage = \"a\"\n";

fn edited(text: &str, scaling: ScalingNumbers) -> (String, Vec<String>) {
    let ScalingEdit { text, changes } = edit_scaling(text, "api", &scaling).expect("the text is valid");
    (text, changes.iter().map(ToString::to_string).collect())
}

fn count(count: u32) -> ScalingNumbers {
    ScalingNumbers { count: Some(count), ..ScalingNumbers::default() }
}

#[test]
fn a_count_changes_and_its_comment_stays() {
    let (text, changes) = edited(TEXT, count(3));
    assert_eq!(text, TEXT.replace("count = 1 ", "count = 3 "));
    assert_eq!(changes, ["services.api.count 1 → 3"]);
}

#[test]
fn autoscaling_is_added_to_a_service_without_it() {
    let (text, changes) =
        edited(TEXT, ScalingNumbers { min: Some(1), max: Some(4), cpu: Some(50), ..ScalingNumbers::default() });
    assert!(text.starts_with(&TEXT.replace("count = 1   # for now\n", "")), "{text}");
    assert!(text.ends_with("[services.api.autoscaling]\nmin = 1\nmax = 4\ncpu = { target = 50 }\n"), "{text}");
    assert_eq!(
        changes,
        [
            "services.api.count = 1 removed, with its comment `# for now`",
            "services.api.autoscaling.min = 1 added",
            "services.api.autoscaling.max = 4 added",
            "services.api.autoscaling.cpu.target = 50 added",
        ]
    );
}

#[test]
fn inline_and_dotted_tables_are_edited_in_place() {
    let text = "services.api = { cpu = 256, autoscaling = { min = 1, max = 2, cpu = { target = 50, scale_in_cooldown = \"30s\" } } }\n";
    let (edited, _) = edited(text, ScalingNumbers { max: Some(9), cpu: Some(70), ..ScalingNumbers::default() });
    assert_eq!(edited, text.replace("max = 2", "max = 9").replace("target = 50", "target = 70"));
}

#[test]
fn an_unknown_service_is_an_error() {
    let edit = edit_scaling(TEXT, "web", &ScalingNumbers::default());
    assert_eq!(edit, Err("there is no [services.web]".to_owned()));
}

#[test]
fn setting_the_current_values_changes_nothing() {
    for text in ["services.api.count = 3", "services.api.count = 0x3\n", "services.\"api\" . 'count'=3 # three\r\n"] {
        assert_eq!(edited(text, count(3)), (text.to_owned(), Vec::new()));
    }
    let text = "[services.api.autoscaling]\nmax = 4\ncpu.target = 50.0\n";
    let same = ScalingNumbers { max: Some(4), cpu: Some(50), ..ScalingNumbers::default() };
    assert_eq!(edited(text, same), (text.to_owned(), Vec::new()));
}

#[test]
fn a_new_count_is_inserted_among_the_other_keys() {
    // A text, and the text with a count of 3.
    for (text, expected) in [
        (
            "[services.api]\ncpu           = 256\nmemory        = 512\ncompatibility = []\n",
            "[services.api]\ncpu           = 256\nmemory        = 512\ncount         = 3\ncompatibility = []\n",
        ),
        (
            "[services.api]\ncpu    = 256\nmemory = 512\nexec = true\n",
            "[services.api]\ncpu    = 256\nmemory = 512\ncount  = 3\nexec = true\n",
        ),
        (
            "[services.api]\nmemory = 512 # MiB\nexec = true\n",
            "[services.api]\nmemory = 512 # MiB\ncount = 3\nexec = true\n",
        ),
        ("[services.api]\n  memory=512", "[services.api]\n  memory=512\n  count=3"),
        ("[services.api] # empty\r\n\r\n", "[services.api] # empty\r\ncount = 3\r\n\r\n"),
        ("services.api.cpu = 256\r\n[platform]\n", "services.api.cpu = 256\r\nservices.api.count = 3\r\n[platform]\n"),
        ("[services]\n'api' . cpu = 1\n", "[services]\n'api' . cpu = 1\n'api'.count = 3\n"),
        ("services.api = { cpu = 256 }\n", "services.api = { cpu = 256, count = 3 }\n"),
        ("services.api = {cpu = 256,}\n", "services.api = {cpu = 256, count = 3,}\n"),
        (
            "services = { api.cpu = 256, web = { cpu = 1 } }\n",
            "services = { api.cpu = 256, api.count = 3, web = { cpu = 1 } }\n",
        ),
        ("services.api = { }", "services.api = { count = 3 }"),
        ("services.api = {\n  cpu = 256 # small\n}\n", "services.api = {\n  cpu = 256, # small\n  count = 3\n}\n"),
        (
            "services.api = {\n  cpu = 256, # small\n  exec = true,\n}\n",
            "services.api = {\n  cpu = 256, # small\n  count = 3,\n  exec = true,\n}\n",
        ),
        (
            "[services.\"api\".container]\nimage = \"a\"\n\n[platform]\n",
            "[services.\"api\".container]\nimage = \"a\"\n\n[services.\"api\"]\ncount = 3\n\n[platform]\n",
        ),
    ] {
        assert_eq!(edited(text, count(3)).0, expected, "{text}");
        let with_bom = edited(&format!("\u{feff}{text}"), count(3)).0;
        assert_eq!(with_bom, format!("\u{feff}{expected}"), "{text}");
    }
}

#[test]
fn a_removed_count_leaves_the_comments_above_it_and_a_well_formed_table() {
    // A text with a count, and the text without it and with a maximum of 4.
    for (text, expected) in [
        (
            "[services.api]\n# how many;\n# ask Bob\ncount = 1\nexec = true\n[services.api.autoscaling]\nmax = 2\n",
            "[services.api]\n# how many;\n# ask Bob\nexec = true\n[services.api.autoscaling]\nmax = 4\n",
        ),
        (
            "services.api = { count = 1, deployment = { max_percent = 150 } }\n",
            "services.api = { deployment = { max_percent = 150 }, autoscaling = { max = 4 } }\n",
        ),
        (
            "services.api = { cpu = 256, count = 1 } # tail\n",
            "services.api = { cpu = 256, autoscaling = { max = 4 } } # tail\n",
        ),
        ("services.api = {cpu = 1, count = 1,}\n", "services.api = {cpu = 1, autoscaling = { max = 4 },}\n"),
        (
            "services.api = {\n  cpu = 256,\n  count = 1,\n  autoscaling = { max = 2 },\n}\n",
            "services.api = {\n  cpu = 256,\n  autoscaling = { max = 4 },\n}\n",
        ),
        (
            "services.api = {\n  autoscaling.max = 2, # most\n  count = 1 }\n",
            "services.api = {\n  autoscaling.max = 4 # most\n }\n",
        ),
        (
            "services.api.cpu = 1\nservices.api.count = 1",
            "services.api.cpu = 1\nservices.api.autoscaling = { max = 4 }",
        ),
        (
            "[services.api]\r\ncount = 1\r\n[services.api.container]\r\nimage = '''\r\n[a]\r\n'''\r\n\r\n# next\r\n[platform]\r\n",
            "[services.api]\r\n[services.api.container]\r\nimage = '''\r\n[a]\r\n'''\r\n\r\n[services.api.autoscaling]\r\nmax = 4\r\n\r\n# next\r\n[platform]\r\n",
        ),
    ] {
        assert_eq!(edited(text, ScalingNumbers { max: Some(4), ..ScalingNumbers::default() }).0, expected, "{text}");
    }
}
