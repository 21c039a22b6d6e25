//! The shared AWS files, `~/.aws/config` and `~/.aws/credentials`, as the AWS CLI reads them.
//!
//! The SDK's parser supports no quotes in section names, and rejects names with spaces and sections whose keys are all indented. So
//! the files are parsed here, and the SDK gets the same sections in a form that it accepts. The rules are those of botocore's
//! `configloader`, and of Python's `configparser` and `shlex`, which it uses.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};

use super::config::Variables;

/// The default profile.
pub(super) const DEFAULT: &str = "default";

/// The keys and values of a section. Multi-line values keep their lines without indentation.
pub(super) type Section = BTreeMap<String, String>;

/// The sections of both files, by name.
#[derive(Debug, Default)]
pub(super) struct SharedConfig {
    /// Profiles by name; values of the credentials file take precedence over those of the config file.
    profiles: BTreeMap<String, Section>,
    /// `sso-session` sections.
    sso_sessions: BTreeMap<String, Section>,
    /// `services` sections.
    services: BTreeMap<String, Section>,
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
    #[error("profile `{profile}` has `{key} = {name}`, but {} {} [{kind} {}]", path.display(), if *is_empty { "has nothing in" } else { "has no" }, crate::hint::quoted(name))]
    MissingSection {
        path: PathBuf,
        profile: String,
        key: &'static str,
        kind: &'static str,
        name: String,
        is_empty: bool,
    },
}

/// A syntax error: the line number, from 1, and the message.
type SyntaxError = (usize, &'static str);

impl SharedConfig {
    /// Reads both files, whose paths may be set in `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE`. A missing file is empty.
    pub fn load(variables: &Variables) -> Result<Self, ProfileError> {
        let mut profiles = Self::default();
        if let Some(file) = path(variables, "AWS_CONFIG_FILE", "config") {
            profiles.add_config(read(&file)?);
            profiles.config_file = file;
        }
        if let Some(file) = path(variables, "AWS_SHARED_CREDENTIALS_FILE", "credentials") {
            for (name, section) in read(&file)? {
                profiles.profiles.entry(name).or_default().extend(section);
            }
        }
        Ok(profiles)
    }

    /// Adds the sections of the config file. Sections of other kinds belong to other programs. With `[profile default]`, the SDKs ignore
    /// `[default]`.
    fn add_config(&mut self, sections: Vec<(String, Section)>) {
        let sections: Vec<(Vec<String>, Section)> =
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
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// A profile by name.
    pub fn profile(&self, name: &str) -> Option<&Section> {
        self.profiles.get(name)
    }

    /// An `sso-session` by name.
    pub fn sso_session(&self, name: &str) -> Option<&Section> {
        self.sso_sessions.get(name)
    }

    /// Rejects a profile whose `services` section does not exist, as the AWS CLI does. The SDK ignores that, and calls go to AWS.
    pub fn check_services(&self, profile: &str) -> Result<(), ProfileError> {
        self.check_reference(profile, "services", ("services", &self.services))
    }

    /// Rejects a profile whose `sso-session` section does not exist.
    pub fn check_sso_session(&self, profile: &str) -> Result<(), ProfileError> {
        self.check_reference(profile, "sso_session", ("sso-session", &self.sso_sessions))
    }

    /// As in botocore, a section without keys does not exist.
    fn check_reference(
        &self,
        profile: &str,
        key: &'static str,
        (kind, sections): (&'static str, &BTreeMap<String, Section>),
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
    pub fn for_sdk(&self) -> EnvConfigFiles {
        self.sdk_text(self.profiles.iter().map(|(name, section)| (name.as_str(), section.clone())))
    }

    /// One profile for the SDK, with the keys that `keep` accepts.
    pub fn one_for_sdk(&self, name: &str, keep: impl Fn(&str) -> bool) -> EnvConfigFiles {
        let mut section = self.profile(name).cloned().unwrap_or_default();
        section.retain(|key, _| keep(key));
        self.sdk_text(std::iter::once((name, section)))
    }

    fn sdk_text<'a>(&self, profiles: impl Iterator<Item = (&'a str, Section)>) -> EnvConfigFiles {
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

/// Keys whose value is the name of another section.
const REFERENCES: &[&str] = &["source_profile", "sso_session", "services"];

fn write_section(text: &mut String, kind: &str, name: &str, section: &Section) {
    text.extend(["[", kind, " ", &sdk_name(name), "]\n"]);
    for (key, value) in section {
        let mut lines = value.lines();
        let first = lines.next().unwrap_or_default();
        let first = if REFERENCES.contains(&key.as_str()) { sdk_name(first) } else { first.to_owned() };
        text.extend([key, " = ", &first, "\n"]);
        for line in lines.filter(|line| !line.is_empty()) {
            text.extend(["  ", line, "\n"]);
        }
    }
}

/// Encodes a section name for the SDK, which accepts few characters besides letters and digits; others become `%XX`.
pub(super) fn sdk_name(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/.@:+".contains(&byte);
    let mut encoded = String::new();
    for byte in name.bytes() {
        if is_plain(byte) {
            encoded.push(byte.into());
        } else {
            encoded.extend(["%", &hex::encode_upper([byte])]);
        }
    }
    encoded
}

/// Decodes the section names in a message of the SDK, which [`sdk_name`] encoded.
pub(super) fn decode_sdk_names(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        match part.get(..2).and_then(|digits| hex::decode(digits).ok()) {
            Some(byte) => bytes.extend(byte.into_iter().chain(part[2..].bytes())),
            None => bytes.extend(std::iter::once(b'%').chain(part.bytes())),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The path of one of the files; `None` without a home folder.
fn path(variables: &Variables, variable: &str, name: &str) -> Option<PathBuf> {
    let home = variables.get("HOME").or_else(|| variables.get("USERPROFILE")).map(Path::new);
    match (variables.get(variable).map(Path::new), home) {
        (Some(path), Some(home)) => {
            Some(path.strip_prefix("~").map_or_else(|_| path.to_owned(), |below| home.join(below)))
        }
        (Some(path), None) => Some(path.to_owned()),
        (None, home) => Some(home?.join(".aws").join(name)),
    }
}

/// The sections of a file.
fn read(path: &Path) -> Result<Vec<(String, Section)>, ProfileError> {
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

/// Parses a file into sections, in order, with their headers as written.
fn sections(text: &str) -> Result<Vec<(String, Section)>, SyntaxError> {
    let mut sections: Vec<(String, Section)> = Vec::new();
    let (mut last_key, mut key_indent): (Option<String>, usize) = (None, 0);
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if let (Some((_, section)), Some(key)) = (sections.last_mut(), &last_key)
            && indent > key_indent
        {
            let value = section.entry(key.clone()).or_default();
            if (value.is_empty() || value.starts_with('\n')) && !content.contains('=') {
                return Err((number, "expected KEY = VALUE in a nested section"));
            }
            value.push('\n');
            value.push_str(content);
            continue;
        }
        key_indent = indent;
        if let Some(header) = content.strip_prefix('[') {
            let end = header
                .rfind(']')
                .filter(|end| *end > 0)
                .ok_or((number, "expected `]` at the end of a section's name"))?;
            sections.push((header[..end].to_owned(), Section::new()));
            last_key = None;
            continue;
        }
        let (_, section) =
            sections.last_mut().ok_or((number, "expected a section, such as [default], before the first key"))?;
        let (key, value) = content.split_once(['=', ':']).ok_or((number, "expected KEY = VALUE or [SECTION]"))?;
        let key = key.trim_end().to_lowercase();
        if key.is_empty() {
            return Err((number, "expected a key before `=`"));
        }
        section.insert(key.clone(), value.trim().to_owned());
        last_key = Some(key);
    }
    Ok(sections)
}

/// Splits words like Python's `shlex.split`, which differs from a shell: there are no comments, and within double quotes a backslash
/// escapes only itself and the quote. `None` for an unclosed quote or a trailing backslash.
fn shlex_split(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, ' ' | '\t' | '\r' | '\n') => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), _) if c == open => quote = None,
            (None | Some('"'), '\\') => {
                let escaped = chars.next()?;
                let word = word.get_or_insert_default();
                if quote.is_some() && escaped != '"' && escaped != '\\' {
                    word.push('\\');
                }
                word.push(escaped);
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> SharedConfig {
        let mut profiles = SharedConfig::default();
        profiles.add_config(sections(text).expect("it can be read"));
        profiles
    }

    #[test]
    fn section_names_are_split_like_shell_words() {
        for (header, name) in [
            ("[profile a]", Some("a")),
            ("[profile   a  ]", Some("a")),
            ("[profile 'my dev']", Some("my dev")),
            ("[profile \"my dev\"]", Some("my dev")),
            ("[profile my\\ dev]", Some("my dev")),
            ("[profile \"it's\"]", Some("it's")),
            ("[profile \"a\\\"b\\$\"]", Some("a\"b\\$")),
            ("[profile #1]", Some("#1")),
            ("[profile a'b c'd]", Some("ab cd")),
            ("[profile für-uns]", Some("für-uns")),
            ("[profile a] # a comment", Some("a")),
            ("[default]", Some("default")),
            ("[profile my dev]", None),
            ("[profile 'my dev]", None),
            ("[profile]", None),
            ("[my-dev]", None),
            ("[sso-session a]", None),
        ] {
            let profiles = config(&format!("{header}\nregion = eu-west-1\n"));
            assert_eq!(profiles.names().collect::<Vec<_>>(), name.into_iter().collect::<Vec<_>>(), "{header}");
        }
    }

    #[test]
    fn values_are_read_as_python_s_configparser_reads_them() {
        let text = "[profile a]\n  Region: eu-west-1\n  output=json\n# a comment\n  s3 =\n    max_queue_size = 1\n\n    \
                    max_bandwidth = 2\n\n  role_arn = arn:aws:iam::1:role/a\n[profile b]\nregion =\n";
        let profiles = config(text);
        let section = profiles.profile("a").expect("it is there");
        let value = |key: &str| section.get(key).map(String::as_str);
        assert_eq!(value("region"), Some("eu-west-1"));
        assert_eq!(value("output"), Some("json"));
        assert_eq!(value("s3"), Some("\nmax_queue_size = 1\nmax_bandwidth = 2"));
        assert_eq!(value("role_arn"), Some("arn:aws:iam::1:role/a"));
        assert_eq!(profiles.profile("b").and_then(|section| section.get("region")), Some(&String::new()));
    }

    #[test]
    fn a_syntax_error_has_its_line_number() {
        for (text, line) in [
            ("region = eu-west-1\n", 1),
            ("[default]\nregion\n", 2),
            ("[default]\n\n# comment\n= a\n", 4),
            ("[default\nregion = a\n", 1),
            ("[]\n", 1),
            ("[default]\ns3 =\n  max_queue_size = 1\n  nonsense\n", 4),
        ] {
            assert_eq!(sections(text).map_err(|(line, _)| line), Err(line), "{text}");
        }
    }

    #[test]
    fn the_prefixed_default_profile_takes_precedence() {
        for text in
            ["[default]\na = 1\nb = 1\n[profile default]\na = 2\n", "[profile default]\na = 2\n[default]\na = 1\n"]
        {
            assert_eq!(config(text).profile("default"), Some(&Section::from([("a".to_owned(), "2".to_owned())])));
        }
    }

    #[test]
    fn section_names_are_encoded_for_the_sdk() {
        let mut text = String::new();
        let section = Section::from([
            ("source_profile".to_owned(), "it's".to_owned()),
            ("s3".to_owned(), "\na = 1".to_owned()),
            ("region".to_owned(), "eu-west-1".to_owned()),
        ]);
        write_section(&mut text, "profile", "my dev%", &section);
        assert_eq!(text, "[profile my%20dev%25]\nregion = eu-west-1\ns3 = \n  a = 1\nsource_profile = it%27s\n");
        for plain in ["default", "a-b_c.d/e@f:g+h"] {
            assert_eq!(sdk_name(plain), plain);
        }
        for name in ["my dev", "a%20b", "für-uns", "100%"] {
            assert_eq!(decode_sdk_names(&format!("no `{}`", sdk_name(name))), format!("no `{name}`"));
        }
        assert_eq!(decode_sdk_names("50% of %zz"), "50% of %zz");
    }
}
