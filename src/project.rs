//! A project: the folder with `ecsws.toml` and `ecsws.lock`. The only place that reads and writes them.

mod replace;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::{CliError, Report};
use crate::exit::Exit;
use crate::hint::{Command, Hint, nearest};
use crate::render::Ui;
use crate::settings::Settings;
use crate::stack::spec::{Service, Target};
use crate::stack::{Diagnostic, Diagnostics, KeyChange, Lock, ProjectStack, ScalingEdit, Spec, stack_named, stacks};
use replace::replace;

mod ownership;

/// What users write.
pub const FILE: &str = "ecsws.toml";
/// What pins look-ups.
pub const LOCK: &str = "ecsws.lock";

/// How often an edit is tried again when `ecsws.toml` changes between reading and writing.
const EDIT_ATTEMPTS: usize = 10;

/// A project, read and checked.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its folder.
    pub dir: PathBuf,
    /// The text of `ecsws.toml`, as it was read.
    pub text: String,
    /// The project that is worked with: the text's, unless an edit or a flag changed it.
    pub spec: Spec,
    /// What `ecsws.lock` pins; empty when there is none.
    pub lock: Lock,
    /// What is odd but not wrong.
    pub warnings: Vec<Report>,
    /// The file, as users see it.
    shown: String,
}

/// A service of the project.
#[derive(Debug, Clone, Copy)]
pub struct ServiceRef<'a> {
    /// Its key in `ecsws.toml`.
    pub key: &'a str,
    /// What the file says about it.
    pub service: &'a Service,
}

impl Project {
    /// The project that the settings mean: `--project`, or the nearest folder with an `ecsws.toml`, this one or above. `None` when there is none.
    pub fn find(settings: &Settings) -> Result<Option<Self>, CliError> {
        folder(settings)?.map(|dir| Self::read(dir, settings)).transpose()
    }

    /// The folder and the target of that project, whose file may be unfinished otherwise.
    pub fn find_target(settings: &Settings) -> Result<Option<(PathBuf, Target)>, CliError> {
        let Some(dir) = folder(settings)? else { return Ok(None) };
        let file = shown(&dir.join(FILE), &settings.working_dir);
        let text = Self::read_spec(&dir, &file)?;
        let target = Spec::parse_target(&text).map_err(|problems| wrong(problems, &file))?;
        Ok(Some((dir, target)))
    }

    fn read_spec(dir: &Path, file: &str) -> Result<String, CliError> {
        let text = match read_text(&dir.join(FILE)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(no_project(dir)),
            text => text.map_err(|error| unreadable(&error, file))?,
        };
        text.map_err(|place| not_utf8(&place, file))
    }

    fn read(dir: PathBuf, settings: &Settings) -> Result<Self, CliError> {
        let shown = |name: &str| shown(&dir.join(name), &settings.working_dir);
        let text = Self::read_spec(&dir, &shown(FILE))?;
        let (spec, warnings) = Spec::parse(&text).map_err(|problems| wrong(problems, &shown(FILE)))?;
        let lock = match read_text(&dir.join(LOCK)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Lock::default(),
            text => {
                let text = text.map_err(|error| unreadable(&error, &shown(LOCK)))?;
                let text = text.map_err(|place| not_utf8(&place, &shown(LOCK)))?;
                Lock::parse(&text).map_err(|problems| wrong(problems, &shown(LOCK)))?
            }
        };
        let warnings = warnings.into_iter().map(|warning| report(warning, &shown(FILE))).collect();
        Ok(Self { shown: shown(FILE), dir, text, spec, lock, warnings })
    }

    /// Writes `ecsws.lock`, whole or not at all.
    pub fn save_lock(&self) -> Result<(), CliError> {
        let file = self.dir.join(LOCK);
        replace(&file, &self.lock.to_toml(), None).map(drop).map_err(|error| unwritable(&error, &file))
    }

    /// The project of another text of `ecsws.toml`, which is checked but not written.
    pub fn with_spec_of(&self, text: &str) -> Result<Self, CliError> {
        let (spec, _) = Spec::parse(text).map_err(|problems| {
            // The places are those of a text that the user does not see.
            let reports = problems.0.into_iter().map(|problem| Report {
                message: problem.message,
                place: None,
                hint: problem.hint.map(Hint::from),
            });
            CliError { exit: Exit::Usage, reports: reports.collect() }
        })?;
        Ok(Self { spec, ..self.clone() })
    }

    /// Writes an edit to `ecsws.toml` and returns what it changed. `edit` is applied to the file as it is now, so that other edits made since
    /// it was read are kept.
    ///
    /// # Errors
    /// When the same edit of the file as it is now would change other keys or values than in [`Self::text`]: then nothing is written.
    pub fn save_edit(&self, edit: impl Fn(&str) -> Result<ScalingEdit, String>) -> Result<Vec<KeyChange>, CliError> {
        let (file, shown) = (self.dir.join(FILE), &self.shown);
        let planned = edit(&self.text).map_err(CliError::usage)?.changes;
        let conflict = |what: String| {
            CliError::failed(format!("{shown} was changed by something else meanwhile: {what}"))
                .hint("check the file and try again; it was not written")
        };
        for _ in 0..EDIT_ATTEMPTS {
            let now = match read_text(&file) {
                Ok(text) => text.map_err(|_| conflict("it is not text in UTF-8".to_owned()))?,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(CliError::failed(format!("{shown} was deleted by something else meanwhile"))
                        .hint("restore the file and try again; it was not written"));
                }
                Err(error) => return Err(conflict(format!("it cannot be read: {error}"))),
            };
            let ScalingEdit { text, changes } = edit(&now).map_err(conflict)?;
            if changes.is_empty() {
                return Ok(changes);
            }
            if changes != planned {
                let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
                return Err(conflict(format!("the edit would now be {}", changes.join(", "))));
            }
            Spec::parse(&text).map_err(|problems| conflict(wrong(problems, shown).summary()))?;
            if replace(&file, &text, Some(&now)).map_err(|error| unwritable(&error, &file))? {
                return Ok(changes);
            }
        }
        Err(conflict("it keeps changing".to_owned()))
    }

    /// The service `key` runs another image, for this command only.
    pub fn set_image(&mut self, key: &str, image: &str) -> Result<(), CliError> {
        let Some(service) = self.spec.services.get_mut(key) else {
            let keys: Vec<&str> = self.spec.services.keys().map(String::as_str).collect();
            return Err(unknown("service", key, &keys));
        };
        image.clone_into(&mut service.container.image);
        Ok(())
    }

    /// The service of this key; with none given the only one, or the one that the user chooses.
    pub async fn service(&self, key: Option<&str>, ui: &mut Ui) -> Result<ServiceRef<'_>, CliError> {
        let keys: Vec<&str> = self.spec.services.keys().map(String::as_str).collect();
        let key = match key {
            Some(key) => key,
            None => choose("service", &keys, ui).await?,
        };
        let found = self.spec.services.get_key_value(key);
        let (key, service) = found.ok_or_else(|| unknown("service", key, &keys))?;
        Ok(ServiceRef { key, service })
    }

    /// The stacks of these names or service keys, or all, in the order in which they are deployed.
    pub fn stacks(&self, names: &[String]) -> Result<Vec<ProjectStack>, CliError> {
        let all = stacks(&self.spec);
        if names.is_empty() {
            return Ok(all);
        }
        let names = names.iter().map(|name| self.stack_named(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(all.into_iter().filter(|stack| names.contains(&stack.name.as_str())).collect())
    }

    /// The stack of this name or service key; with none given the only one, or the one that the user chooses.
    pub async fn stack(&self, name: Option<&str>, ui: &mut Ui) -> Result<ProjectStack, CliError> {
        let all = stacks(&self.spec);
        let names: Vec<&str> = all.iter().map(|stack| stack.name.as_str()).collect();
        let name = match name {
            Some(name) => self.stack_named(name)?,
            None => choose("stack", &names, ui).await?,
        };
        let found = all.iter().find(|stack| stack.name == name);
        found.cloned().ok_or_else(|| unknown("stack", name, &names))
    }

    fn stack_named(&self, name: &str) -> Result<&str, CliError> {
        stack_named(&self.spec, name).ok_or_else(|| {
            let names: Vec<String> = stacks(&self.spec).into_iter().map(|stack| stack.name).collect();
            let known: Vec<&str> = names.iter().chain(self.spec.services.keys()).map(String::as_str).collect();
            unknown_of("stack", name, &known, &known[..names.len()])
        })
    }
}

/// The folder that the settings name, or the nearest one with a project, which above this one has to be the user's own: the
/// file says which commands run.
fn folder(settings: &Settings) -> Result<Option<PathBuf>, CliError> {
    if settings.project.is_some() {
        return Ok(settings.project.clone());
    }
    let Some(dir) = settings.working_dir.ancestors().find(|dir| dir.join(FILE).is_file()) else { return Ok(None) };
    if dir != settings.working_dir {
        ownership::check(dir, settings.sudo_user)?;
    }
    Ok(Some(dir.to_owned()))
}

async fn choose<'a>(noun: &str, names: &[&'a str], ui: &mut Ui) -> Result<&'a str, CliError> {
    match names {
        [] => Err(CliError::usage(format!("{FILE} has no {noun}"))),
        [only] => Ok(only),
        several => ui.choose(noun, several).await,
    }
}

fn unknown(noun: &str, name: &str, known: &[&str]) -> CliError {
    unknown_of(noun, name, known, known)
}

/// As [`unknown`], where more names are accepted than those that are listed.
fn unknown_of(noun: &str, name: &str, accepted: &[&str], listed: &[&str]) -> CliError {
    let near = nearest(name, accepted).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    CliError::usage(format!("{FILE} has no {noun} `{name}`")).hint(format!("{near}it has {}", listed.join(", ")))
}

/// What is said when there is no `ecsws.toml`.
pub fn no_project(dir: &Path) -> CliError {
    CliError::usage(format!("there is no {FILE} in {}", dir.display())).hint(
        Hint::command(["init"])
            .text(" writes one; ")
            .then(Command::own(["init", "--workshop"]))
            .text(" writes the ECS workshop's; -C names another folder"),
    )
}

fn wrong(problems: Diagnostics, file: &str) -> CliError {
    CliError { exit: Exit::Usage, reports: problems.0.into_iter().map(|problem| report(problem, file)).collect() }
}

fn report(problem: Diagnostic, file: &str) -> Report {
    let Diagnostic { message, line, column, hint } = problem;
    Report { message, place: Some(format!("{file}:{line}:{column}")), hint: hint.map(Hint::from) }
}

/// A path as users see it: relative to where they are, when it is below.
fn shown(path: &Path, working_dir: &Path) -> String {
    path.strip_prefix(working_dir).unwrap_or(path).display().to_string()
}

/// Where a file stops being text: line and column, from 1.
type Place = (usize, usize);

/// The text of a file, or where it is none.
fn read_text(file: &Path) -> io::Result<Result<String, Place>> {
    Ok(String::from_utf8(fs::read(file)?).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let good = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
        let line = good.rsplit('\n').next().unwrap_or_default();
        (good.matches('\n').count() + 1, line.chars().count() + 1)
    }))
}

fn unreadable(error: &io::Error, file: &str) -> CliError {
    CliError::usage(format!("cannot read {file}: {error}")).hint("it has to be a file that you may read")
}

fn unwritable(error: &io::Error, file: &Path) -> CliError {
    CliError::failed(format!("cannot write {}: {error}", file.display()))
}

fn not_utf8((line, column): &Place, file: &str) -> CliError {
    CliError::usage("this is not text in UTF-8").at(format!("{file}:{line}:{column}")).hint("save the file as UTF-8")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and read their files")]
mod tests {
    use super::*;
    use crate::stack::{Scaling, edit_scaling};

    const TEXT: &str =
        "[services.api]\ncpu = 256\nmemory = 512\ncount = 1\n\n[services.api.container]\nimage = \"a\"\n";

    /// Saves a count of 3 in a project that was read as [`TEXT`], when its file is `now`. The error, if any, and the file afterwards.
    fn saved(now: &str) -> (Result<Vec<String>, String>, String) {
        let (saved, after) = saved_after(|file| fs::write(file, now).expect("it can be written"));
        let changes = saved.map(|changes| changes.iter().map(ToString::to_string).collect());
        (changes.map_err(|error| error.summary()), after.expect("it can be read"))
    }

    /// As [`saved`], after something else was done with the file.
    fn saved_after(change: impl Fn(&Path)) -> (Result<Vec<KeyChange>, CliError>, io::Result<String>) {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join(FILE), TEXT).expect("it can be written");
        change(&dir.path().join(FILE));
        let (spec, _) = Spec::parse(TEXT).expect("it is a project");
        let (dir_path, text, shown) = (dir.path().to_owned(), TEXT.to_owned(), FILE.to_owned());
        let project = Project { dir: dir_path, text, spec, lock: Lock::default(), warnings: Vec::new(), shown };
        let scaling = Scaling { count: Some(3), ..Scaling::default() };
        let saved = project.save_edit(|text| edit_scaling(text, "api", &scaling));
        (saved, fs::read_to_string(dir.path().join(FILE)))
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
    fn a_file_that_is_gone_or_replaced_since_it_was_read_is_said_to_be() {
        let binary = |file: &Path| fs::write(file, b"\xff").expect("it can be written");
        let folder = |file: &Path| fs::create_dir(file).expect("it can be made");
        let nothing = |_: &Path| {};
        for (replaced, message, advice) in [
            (nothing as fn(&Path), "ecsws.toml was deleted by something else meanwhile", "restore the file"),
            (binary, "ecsws.toml was changed by something else meanwhile: it is not text in UTF-8", "check the file"),
            (folder, "ecsws.toml was changed by something else meanwhile: it cannot be read: ", "check the file"),
        ] {
            let (result, _) = saved_after(|file| {
                fs::remove_file(file).expect("it is there");
                replaced(file);
            });
            let error = result.expect_err(message);
            assert!(error.summary().starts_with(message), "{}", error.summary());
            let hint = format!("{:?}", error.reports[0].hint);
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
            assert!(error.starts_with("ecsws.toml was changed by something else meanwhile: "), "{error}");
            assert!(error.contains(why), "{error}");
            assert_eq!(after, now);
        }
    }
}
