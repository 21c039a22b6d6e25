//! A project: the folder with `ecsws.toml` and `ecsws.lock`. No other module reads or writes these files.

mod ownership;
mod replace;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::error::CliError;
use crate::exit::Exit;
use crate::hint::{Hint, SuggestedCommand};
use crate::settings::Settings;
use crate::similar_names::did_you_mean;
use crate::stack::spec::{Service, Target};
use crate::stack::{KeyChange, Lock, ProjectStack, ScalingEdit, Spec, stack_named, stacks};
use replace::replace;

/// The project file, which users write.
pub(crate) const SPEC_FILE: &str = "ecsws.toml";
/// The lock file, which pins look-ups.
pub(crate) const LOCK_FILE: &str = "ecsws.lock";

/// How often an edit is retried when `ecsws.toml` changes between reading and writing.
const EDIT_ATTEMPTS: usize = 10;

/// A project, read and checked.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub dir: PathBuf,
    /// The text of `ecsws.toml`, as it was read.
    pub text: String,
    /// The parsed text, with the changes of edits and flags.
    pub spec: Spec,
    /// The contents of `ecsws.lock`; empty without the file.
    pub lock: Lock,
    /// Warnings about `ecsws.toml`.
    pub warnings: Vec<Diagnostic>,
    /// The path of `ecsws.toml` in messages.
    display_path: String,
}

/// A service of the project.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServiceRef<'a> {
    pub key: &'a str,
    pub spec: &'a Service,
}

impl Project {
    /// Reads the project at `--project`, or else in the nearest folder with an `ecsws.toml`, the working folder or above. `None` if
    /// there is none.
    pub(crate) fn find(settings: &Settings) -> Result<Option<Self>, CliError> {
        folder(settings)?.map(|dir| Self::read(dir, settings)).transpose()
    }

    /// The folder and the target of that project. The rest of its file may be invalid.
    pub(crate) fn find_target(settings: &Settings) -> Result<Option<(PathBuf, Target)>, CliError> {
        let Some(dir) = folder(settings)? else { return Ok(None) };
        let file = display_path(&dir.join(SPEC_FILE), &settings.working_dir);
        let text = Self::read_spec(&dir, &file)?;
        let target = Spec::parse_target(&text).map_err(|diagnostics| CliError::invalid_file(diagnostics, &file))?;
        Ok(Some((dir, target)))
    }

    fn read_spec(dir: &Path, file: &str) -> Result<String, CliError> {
        let text = match read_text(&dir.join(SPEC_FILE)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(no_project(dir)),
            text => text.map_err(|error| unreadable(error, file))?,
        };
        text.map_err(|place| not_utf8(place, file))
    }

    fn read(dir: PathBuf, settings: &Settings) -> Result<Self, CliError> {
        let display_path = |name: &str| display_path(&dir.join(name), &settings.working_dir);
        let text = Self::read_spec(&dir, &display_path(SPEC_FILE))?;
        let (spec, warnings) =
            Spec::parse(&text).map_err(|diagnostics| CliError::invalid_file(diagnostics, &display_path(SPEC_FILE)))?;
        let lock = match read_text(&dir.join(LOCK_FILE)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Lock::default(),
            text => {
                let text = text.map_err(|error| unreadable(error, &display_path(LOCK_FILE)))?;
                let text = text.map_err(|place| not_utf8(place, &display_path(LOCK_FILE)))?;
                Lock::parse(&text)
                    .map_err(|diagnostics| CliError::invalid_file(diagnostics, &display_path(LOCK_FILE)))?
            }
        };
        let warnings = warnings.into_iter().map(|warning| warning.in_file(&display_path(SPEC_FILE))).collect();
        Ok(Self { display_path: display_path(SPEC_FILE), dir, text, spec, lock, warnings })
    }

    /// Writes `ecsws.lock` atomically.
    pub(crate) fn save_lock(&self) -> Result<(), CliError> {
        let file = self.dir.join(LOCK_FILE);
        replace(&file, &self.lock.to_toml(), None).map(drop).map_err(|error| unwritable(error, &file))
    }

    /// The project with another text of `ecsws.toml`, which is parsed but not written.
    pub(crate) fn with_text(&self, text: &str) -> Result<Self, CliError> {
        let (spec, _) = Spec::parse(text).map_err(|Diagnostics(mut diagnostics)| {
            // The places are those of a text that the user does not see.
            for diagnostic in &mut diagnostics {
                diagnostic.place = None;
            }
            CliError { exit: Exit::Usage, diagnostics }
        })?;
        Ok(Self { spec, ..self.clone() })
    }

    /// Writes an edit to `ecsws.toml` and returns the changes. `edit` is applied to the current file, so that other edits made since it
    /// was read are kept.
    ///
    /// # Errors
    /// When the edit would change other keys or values in the current file than in [`Self::text`]: then nothing is written.
    pub(crate) fn save_edit(
        &self,
        edit: impl Fn(&str) -> Result<ScalingEdit, String>,
    ) -> Result<Vec<KeyChange>, CliError> {
        let (file, shown) = (self.dir.join(SPEC_FILE), &self.display_path);
        let planned = edit(&self.text).map_err(CliError::usage)?.changes;
        let conflict = |what: String| {
            CliError::failed(format!("{shown} changed since it was read: {what}"))
                .hint("check the file and try again; it was not written")
        };
        for _ in 0..EDIT_ATTEMPTS {
            let now = match read_text(&file) {
                Ok(text) => text.map_err(|_| conflict("it is not valid UTF-8".to_owned()))?,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(CliError::failed(format!("{shown} was deleted since it was read"))
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
            Spec::parse(&text).map_err(|diagnostics| conflict(CliError::invalid_file(diagnostics, shown).summary()))?;
            if replace(&file, &text, Some(&now)).map_err(|error| unwritable(error, &file))? {
                return Ok(changes);
            }
        }
        Err(conflict("it keeps changing".to_owned()))
    }

    /// Sets the image of the service `key`, for this command only.
    pub(crate) fn set_image(&mut self, key: &str, image: &str) -> Result<(), CliError> {
        let Some(service) = self.spec.services.get_mut(key) else { return Err(self.unknown_service(key)) };
        image.clone_into(&mut service.container.image);
        Ok(())
    }

    /// The service with this key.
    pub(crate) fn service(&self, key: &str) -> Result<ServiceRef<'_>, CliError> {
        let (key, spec) = self.spec.services.get_key_value(key).ok_or_else(|| self.unknown_service(key))?;
        Ok(ServiceRef { key, spec })
    }

    /// The stacks with these names or service keys, or all stacks, in deployment order.
    pub(crate) fn stacks(&self, names: &[String]) -> Result<Vec<ProjectStack>, CliError> {
        let all = stacks(&self.spec);
        if names.is_empty() {
            return Ok(all);
        }
        let names = names.iter().map(|name| self.stack_named(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(all.into_iter().filter(|stack| names.contains(&stack.name.as_str())).collect())
    }

    /// The stack with this name or service key.
    pub(crate) fn stack(&self, name: &str) -> Result<ProjectStack, CliError> {
        let name = self.stack_named(name)?;
        let stack = stacks(&self.spec).into_iter().find(|stack| stack.name == name);
        stack.ok_or_else(|| self.unknown_stack(name))
    }

    fn unknown_service(&self, key: &str) -> CliError {
        let keys: Vec<&str> = self.spec.services.keys().map(String::as_str).collect();
        unknown("service", key, &keys, &keys)
    }

    fn unknown_stack(&self, name: &str) -> CliError {
        let names: Vec<String> = stacks(&self.spec).into_iter().map(|stack| stack.name).collect();
        let known: Vec<&str> = names.iter().chain(self.spec.services.keys()).map(String::as_str).collect();
        unknown("stack", name, &known, &known[..names.len()])
    }

    fn stack_named(&self, name: &str) -> Result<&str, CliError> {
        stack_named(&self.spec, name).ok_or_else(|| self.unknown_stack(name))
    }
}

/// The folder that the settings name, or the nearest one with a project. A folder above the working folder must belong to the user,
/// because `ecsws.toml` contains commands that are run.
fn folder(settings: &Settings) -> Result<Option<PathBuf>, CliError> {
    if settings.project.is_some() {
        return Ok(settings.project.clone());
    }
    let Some(dir) = settings.working_dir.ancestors().find(|dir| dir.join(SPEC_FILE).is_file()) else { return Ok(None) };
    if dir != settings.working_dir {
        ownership::check_owner(dir, settings.sudo_user)?;
    }
    Ok(Some(dir.to_owned()))
}

/// The error for a name that is none of the accepted ones, of which `listed` are listed.
fn unknown(kind: &str, name: &str, accepted: &[&str], listed: &[&str]) -> CliError {
    let near = did_you_mean(name, accepted);
    CliError::usage(format!("{SPEC_FILE} has no {kind} `{name}`"))
        .hint(format!("{near}{kind}s in this file: {}", listed.join(", ")))
}

/// The error when there is no `ecsws.toml`.
pub(crate) fn no_project(dir: &Path) -> CliError {
    CliError::usage(format!("there is no {SPEC_FILE} in {}", dir.display())).hint(
        Hint::command(["init"])
            .text(" creates one; ")
            .then(SuggestedCommand::ecsws(["init", "--workshop"]))
            .text(" creates the ECS workshop's; -C chooses another folder"),
    )
}

/// A path for messages: relative to the working folder if it is below.
fn display_path(path: &Path, working_dir: &Path) -> String {
    path.strip_prefix(working_dir).unwrap_or(path).display().to_string()
}

/// The text of a file, or the place where it is not valid UTF-8.
fn read_text(file: &Path) -> io::Result<Result<String, Place>> {
    Ok(String::from_utf8(fs::read(file)?).map_err(|error| {
        let end = error.utf8_error().valid_up_to();
        let valid = String::from_utf8_lossy(&error.as_bytes()[..end]);
        let line = valid.rsplit('\n').next().unwrap_or_default();
        Place { file: None, line: valid.matches('\n').count() + 1, column: line.chars().count() + 1 }
    }))
}

fn unreadable(error: io::Error, file: &str) -> CliError {
    CliError::usage(format!("cannot read {file}: {error}")).hint("check that it is a readable file").source(error)
}

fn unwritable(error: io::Error, file: &Path) -> CliError {
    CliError::failed(format!("cannot write {}: {error}", file.display())).source(error)
}

fn not_utf8(mut place: Place, file: &str) -> CliError {
    place.file = Some(file.to_owned());
    CliError::usage("the file is not valid UTF-8").at(place).hint("save the file as UTF-8")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and read their files")]
mod tests;
