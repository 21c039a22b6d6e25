//! Tests of saving edits to `ecsws.toml`.

use super::*;
use crate::stack::{ScalingNumbers, edit_scaling};

const TEXT: &str = "[services.api]\ncpu = 256\nmemory = 512\ncount = 1\n\n[services.api.container]\nimage = \"a\"\n";

/// Saves a count of 3 in a project that was read as [`TEXT`], when its file is `now`. The error, if any, and the file afterwards.
fn saved(now: &str) -> (Result<Vec<String>, String>, String) {
    let (saved, after) = saved_after(|file| fs::write(file, now).expect("it can be written"));
    let changes = saved.map(|changes| changes.iter().map(ToString::to_string).collect());
    (changes.map_err(|error| error.summary()), after.expect("it can be read"))
}

/// As [`saved`], after something else was done with the file.
fn saved_after(change: impl Fn(&Path)) -> (Result<Vec<KeyChange>, CliError>, io::Result<String>) {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join(SPEC_FILE), TEXT).expect("it can be written");
    change(&dir.path().join(SPEC_FILE));
    let (spec, _) = Spec::parse(TEXT).expect("it is a project");
    let (dir_path, text, display_path) = (dir.path().to_owned(), TEXT.to_owned(), SPEC_FILE.to_owned());
    let project = Project { dir: dir_path, text, spec, lock: Lock::default(), warnings: Vec::new(), display_path };
    let scaling = ScalingNumbers { count: Some(3), ..ScalingNumbers::default() };
    let saved = project.save_edit(|text| edit_scaling(text, "api", &scaling));
    (saved, fs::read_to_string(dir.path().join(SPEC_FILE)))
}

#[test]
fn an_edit_keeps_what_was_written_since_the_file_was_read() {
    let expected = || Ok(vec!["services.api.count 1 → 3".to_owned()]);
    assert_eq!(saved(TEXT), (expected(), TEXT.replace("count = 1", "count = 3")));
    let now = TEXT.replace("memory = 512", "memory = 1024\r\nexec = true") + "# more\n";
    assert_eq!(saved(&now), (expected(), now.replace("count = 1", "count = 3")));
    let now = TEXT.replace("count = 1", "count = 3");
    assert_eq!(saved(&now), (Ok(Vec::new()), now));
}

#[test]
fn a_file_that_was_deleted_or_replaced_since_it_was_read_is_an_error() {
    let binary = |file: &Path| fs::write(file, b"\xff").expect("it can be written");
    let folder = |file: &Path| fs::create_dir(file).expect("it can be made");
    let nothing = |_: &Path| {};
    for (replaced, message, advice) in [
        (nothing as fn(&Path), "ecsws.toml was deleted since it was read", "restore the file"),
        (binary, "ecsws.toml changed since it was read: it is not valid UTF-8", "check the file"),
        (folder, "ecsws.toml changed since it was read: it cannot be read: ", "check the file"),
    ] {
        let (result, _) = saved_after(|file| {
            fs::remove_file(file).expect("it is there");
            replaced(file);
        });
        let error = result.expect_err(message);
        assert!(error.summary().starts_with(message), "{}", error.summary());
        let hint = format!("{:?}", error.diagnostics[0].hint);
        assert!(error.exit == Exit::Failed && hint.contains(advice), "{error:?}");
    }
}

#[test]
fn an_edit_of_the_same_keys_since_the_file_was_read_wins() {
    for (old, new, why) in [
        ("count = 1", "count = 5", "the edit would now be services.api.count 5 → 3"),
        ("count = 1\n", "", "the edit would now be services.api.count = 3 added"),
        ("services.api", "services.web", "there is no [services.api]"),
        ("cpu = 256", "cpu = ", ""),
        ("cpu = 256", "cpu = 300", "services.api.cpu"),
    ] {
        let now = TEXT.replace(old, new);
        let (result, after) = saved(&now);
        let error = result.expect_err(new);
        assert!(error.starts_with("ecsws.toml changed since it was read: "), "{error}");
        assert!(error.contains(why), "{error}");
        assert_eq!(after, now);
    }
}
