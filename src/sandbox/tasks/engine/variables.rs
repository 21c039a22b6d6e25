//! A container's environment variables on their way to it, and the environment of the engine's own command.
//!
//! Values never stand in arguments, which every user of the machine can read. A value goes by the environment of the command
//! that creates the container, exactly as it is; unless the engine, a library or the loader might heed the name: such a one
//! goes through a pipe, in the form of an `--env-file`, and never leads the engine itself.

/// Names that engines, their helpers and what they are linked with read, upper case.
const HEEDED: [&str; 24] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "PWD",
    "OLDPWD",
    "TERM",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "TMP",
    "TEMP",
    "HOSTNAME",
    "IFS",
    "ENV",
    "BASH_ENV",
    "GNUPGHOME",
    "HOSTALIASES",
    "LOCALDOMAIN",
    "RES_OPTIONS",
    "NO_COLOR",
    "NO_PROXY",
];

/// What such names begin with. Too many names here do no harm.
const HEEDED_PREFIXES: [&str; 32] = [
    "LC_",
    "XDG_",
    "LD_",
    "DYLD_",
    "GLIBC_",
    "GCONV_",
    "MALLOC_",
    "GO",
    "CONTAINER",
    "DOCKER",
    "PODMAN",
    "_CONTAINER",
    "_PODMAN",
    "_LIBPOD",
    "BUILD",
    "STORAGE_",
    "REGISTR",
    "CNI_",
    "NETAVARK",
    "CONMON",
    "LISTEN_",
    "NOTIFY_",
    "DBUS_",
    "SSH_",
    "SSL_",
    "OTEL_",
    "HTTP_",
    "HTTPS_",
    "FTP_",
    "ALL_PROXY",
    "SYSTEMD_",
    "MOBY_",
];

/// Of those, what the engine's own command gets from this machine: where it finds its programs, files, daemon and proxies.
const PASSED_ON: [&str; 13] = [
    "LANG",
    "XDG_",
    "CONTAINER",
    "DOCKER",
    "PODMAN",
    "BUILD",
    "STORAGE_",
    "REGISTR",
    "DBUS_",
    "SSH_",
    "SSL_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
];
const PASSED_ON_WHOLE: [&str; 8] =
    ["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LD_LIBRARY_PATH", "NO_PROXY", "ALL_PROXY"];

fn is_heeded(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    HEEDED.contains(&name.as_str()) || HEEDED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The environment of the engine's own commands, from this machine's.
pub(super) fn of_engine() -> Vec<(String, String)> {
    let wanted = |name: &str| {
        let name = name.to_ascii_uppercase();
        PASSED_ON_WHOLE.contains(&name.as_str()) || PASSED_ON.iter().any(|prefix| name.starts_with(prefix))
    };
    let all =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    all.filter(|(name, _)| wanted(name)).collect()
}

/// A container's variables, by the way they take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    own: Vec<(String, String)>,
    file: Vec<(String, String)>,
}

impl Variables {
    /// Sorts variables; of two with the same name the later one counts.
    ///
    /// # Errors
    /// Says which variable cannot be handed to a container: its name is not one, or it has several lines and a name that
    /// leads the engine.
    pub fn sort(all: impl IntoIterator<Item = (String, String)>) -> Result<Self, String> {
        let mut sorted = Self::default();
        for (name, value) in all {
            sorted.own.retain(|(known, _)| *known != name);
            sorted.file.retain(|(known, _)| *known != name);
            let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let is_name = name.bytes().all(|byte| byte.is_ascii_graphic() && !b"=#".contains(&byte));
            if name.is_empty() || !is_name || value.contains('\0') {
                return Err(format!("the environment variable {name:?} cannot be handed to a container"));
            }
            if is_plain && !is_heeded(&name) {
                sorted.own.push((name, value));
            } else if value.contains(['\n', '\r']) {
                return Err(format!("the environment variable {name} cannot have several lines in a container"));
            } else {
                sorted.file.push((name, value));
            }
        }
        Ok(sorted)
    }

    /// The engine's flags: names only.
    pub(super) fn arguments(&self) -> impl Iterator<Item = String> {
        let file = (!self.file.is_empty()).then(|| "--env-file=/dev/stdin".to_owned());
        self.own.iter().map(|(name, _)| format!("--env={name}")).chain(file)
    }

    /// What goes by the command's own environment.
    pub(super) fn own(&self) -> &[(String, String)] {
        &self.own
    }

    /// What goes through the pipe.
    pub(super) fn file(&self) -> String {
        self.file.iter().flat_map(|(name, value)| [name, "=", value, "\n"]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Variables;

    fn sort(variables: &[(&str, &str)]) -> Result<Variables, String> {
        Variables::sort(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn values_are_never_arguments() {
        let sorted =
            sort(&[("PASSWORD", "secret\nof two lines"), ("PATH", "/app/bin"), ("LD_PRELOAD", "/evil.so")]).unwrap();
        assert_eq!(sorted.arguments().collect::<Vec<_>>(), ["--env=PASSWORD", "--env-file=/dev/stdin"]);
        assert_eq!(sorted.own(), [("PASSWORD".to_owned(), "secret\nof two lines".to_owned())]);
        assert_eq!(sorted.file(), "PATH=/app/bin\nLD_PRELOAD=/evil.so\n");
    }

    #[test]
    fn what_leads_the_engine_never_reaches_its_own_environment() {
        for name in [
            "HOME",
            "DOCKER_HOST",
            "CONTAINERS_CONF",
            "http_proxy",
            "GODEBUG",
            "XDG_RUNTIME_DIR",
            "LD_AUDIT",
            "A.B",
            "A*",
        ] {
            assert_eq!(sort(&[(name, "x")]).unwrap().own(), [], "{name}");
        }
        assert!(sort(&[("PATH", "a\nb")]).unwrap_err().contains("PATH"));
    }

    #[test]
    fn the_later_of_two_counts() {
        let sorted = sort(&[("A", "1"), ("B", "2"), ("A", "3")]).unwrap();
        assert_eq!(sorted.own(), [("B".to_owned(), "2".to_owned()), ("A".to_owned(), "3".to_owned())]);
    }

    #[test]
    fn a_name_that_would_be_two_lines_is_refused() {
        for name in ["", "A=B", "A\nB", "#A", "A B"] {
            assert!(sort(&[(name, "x")]).is_err(), "{name:?}");
        }
    }
}
