//! The shared AWS files, `~/.aws/config` and `~/.aws/credentials`, as the AWS CLI reads them.
//!
//! The SDK's parser supports no quotes in section names, and rejects names with spaces and sections whose keys are all indented. So
//! the files are parsed here, and the same sections are passed to the SDK in a form that it accepts. The rules are those of botocore's
//! `configloader`, and of Python's `configparser` and `shlex`, which it uses.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};

use super::config::Variables;
use parse::{sections, shlex_split};
use sdk_names::write_section;
pub(super) use sdk_names::{decode_sdk_names, sdk_name};

mod parse;
mod sdk_names;

/// The default profile.
pub(super) const DEFAULT: &str = "default";

/// The keys and values of a section. Multi-line values keep their lines without indentation.
pub(super) type ProfileSection = BTreeMap<String, String>;

/// The sections of both files, by name.
#[derive(Debug, Default)]
pub(super) struct SharedConfig {
    /// Profiles by name; values of the credentials file take precedence over those of the config file.
    profiles: BTreeMap<String, ProfileSection>,
    /// `sso-session` sections.
    sso_sessions: BTreeMap<String, ProfileSection>,
    /// `services` sections.
    services: BTreeMap<String, ProfileSection>,
    /// The path of the config file, the only one with sections other than profiles; empty without a home folder.
    config_file: PathBuf,
}

/// An error in these files.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProfileError {
    /// A file that cannot be read or parsed. Lines are counted from 1.
    #[error("{}{}: {reason}", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Unreadable { path: PathBuf, line: Option<usize>, reason: String },
    /// A profile refers to a section that does not exist or has no keys.
    #[error("profile `{profile}` has `{key} = {name}`, but {} {} [{kind} {}]", path.display(), if *is_empty { "has nothing in" } else { "has no" }, crate::shell::quote(name))]
    MissingSection {
        path: PathBuf,
        profile: String,
        key: &'static str,
        kind: &'static str,
        name: String,
        is_empty: bool,
    },
}

impl SharedConfig {
    /// Reads both files, whose paths may be set in `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE`. A missing file is empty.
    pub(super) fn load(variables: &Variables) -> Result<Self, ProfileError> {
        let mut profiles = Self::default();
        if let Some(file) = path(variables, "AWS_CONFIG_FILE", "config") {
            profiles.add_config(read_profiles(&file)?);
            profiles.config_file = file;
        }
        if let Some(file) = path(variables, "AWS_SHARED_CREDENTIALS_FILE", "credentials") {
            for (name, section) in read_profiles(&file)? {
                profiles.profiles.entry(name).or_default().extend(section);
            }
        }
        Ok(profiles)
    }

    /// Adds the sections of the config file. Sections of other kinds belong to other programs. With `[profile default]`, the SDKs ignore
    /// `[default]`.
    fn add_config(&mut self, sections: Vec<(String, ProfileSection)>) {
        let sections: Vec<(Vec<String>, ProfileSection)> =
            sections.into_iter().filter_map(|(header, section)| Some((shlex_split(&header)?, section))).collect();
        let has_prefixed_default = sections.iter().any(|(words, _)| *words == ["profile", DEFAULT]);
        for (words, section) in sections {
            let (sections, name) = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                [DEFAULT] if !has_prefixed_default => (&mut self.profiles, DEFAULT),
                ["profile", name] => (&mut self.profiles, name),
                ["sso-session", name] => (&mut self.sso_sessions, name),
                ["services", name] => (&mut self.services, name),
                _ => continue,
            };
            sections.entry(name.to_owned()).or_default().extend(section);
        }
    }

    /// The names of all profiles, sorted.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// A profile by name.
    pub(super) fn profile(&self, name: &str) -> Option<&ProfileSection> {
        self.profiles.get(name)
    }

    /// An `sso-session` by name.
    pub(super) fn sso_session(&self, name: &str) -> Option<&ProfileSection> {
        self.sso_sessions.get(name)
    }

    /// Rejects a profile whose `services` section does not exist, as the AWS CLI does. The SDK would ignore that and call AWS.
    pub(super) fn check_services(&self, profile: &str) -> Result<(), ProfileError> {
        self.check_reference(profile, "services", ("services", &self.services))
    }

    /// Rejects a profile whose `sso-session` section does not exist.
    pub(super) fn check_sso_session(&self, profile: &str) -> Result<(), ProfileError> {
        self.check_reference(profile, "sso_session", ("sso-session", &self.sso_sessions))
    }

    /// As in botocore, a section without keys does not exist.
    fn check_reference(
        &self,
        profile: &str,
        key: &'static str,
        (kind, sections): (&'static str, &BTreeMap<String, ProfileSection>),
    ) -> Result<(), ProfileError> {
        let Some(name) = self.profile(profile).and_then(|section| section.get(key)) else { return Ok(()) };
        let section = sections.get(name);
        if section.is_some_and(|section| !section.is_empty()) {
            return Ok(());
        }
        let (path, profile, name) = (self.config_file.clone(), profile.to_owned(), name.clone());
        Err(ProfileError::MissingSection { path, profile, key, kind, name, is_empty: section.is_some() })
    }

    /// All sections for the SDK, with names encoded by [`sdk_name`].
    pub(super) fn for_sdk(&self) -> EnvConfigFiles {
        self.sdk_text(self.profiles.iter().map(|(name, section)| (name.as_str(), section.clone())))
    }

    /// One profile for the SDK, with the keys that `keep` accepts.
    pub(super) fn one_for_sdk(&self, name: &str, keep: impl Fn(&str) -> bool) -> EnvConfigFiles {
        let mut section = self.profile(name).cloned().unwrap_or_default();
        section.retain(|key, _| keep(key));
        self.sdk_text(std::iter::once((name, section)))
    }

    fn sdk_text<'a>(&self, profiles: impl Iterator<Item = (&'a str, ProfileSection)>) -> EnvConfigFiles {
        let mut text = String::new();
        for (name, section) in profiles {
            write_section(&mut text, "profile", name, &section);
        }
        for (kind, sections) in [("sso-session", &self.sso_sessions), ("services", &self.services)] {
            for (name, section) in sections {
                write_section(&mut text, kind, name, section);
            }
        }
        EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, text).build()
    }
}

/// The path of one of the files; `None` without a home folder.
fn path(variables: &Variables, variable: &str, name: &str) -> Option<PathBuf> {
    let home = variables.get("HOME").or_else(|| variables.get("USERPROFILE")).map(Path::new);
    match (variables.get(variable).map(Path::new), home) {
        (Some(path), Some(home)) => {
            Some(path.strip_prefix("~").map_or_else(|_| path.to_owned(), |rest| home.join(rest)))
        }
        (Some(path), None) => Some(path.to_owned()),
        (None, home) => Some(home?.join(".aws").join(name)),
    }
}

/// The sections of a file.
fn read_profiles(path: &Path) -> Result<Vec<(String, ProfileSection)>, ProfileError> {
    let unreadable = |line, reason: String| ProfileError::Unreadable { path: path.to_owned(), line, reason };
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        bytes => bytes.map_err(|error| unreadable(None, error.to_string()))?,
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = String::from_utf8_lossy(valid).matches('\n').count() + 1;
        unreadable(Some(line), "the file is not valid UTF-8".to_owned())
    })?;
    sections(&text).map_err(|(line, reason)| unreadable(Some(line), reason.to_owned()))
}

#[cfg(test)]
mod tests;
