//! A container's environment variables on their way to it, and the environment of the engine's own command.
//!
//! Values are never arguments, which every user of the machine can read. They go through a pipe, in the form of an
//! `--env-file`, so that none reaches the engine itself, its helpers or their loader. Such a file cannot hold values of several
//! lines: those are passed by the environment of the command that creates the container, unless the engine might read the variable.

use crate::process::{environment, orphans};

/// Variables that engines, their helpers and their libraries read, upper case.
const RESERVED: [&str; 24] = [
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

/// Prefixes of such variables. A superfluous one only restricts values of several lines.
const RESERVED_PREFIXES: [&str; 32] = [
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

/// The variables of this machine that the engines' own commands inherit: where they find their programs, files, daemon, keys
/// and proxies (podman(1), docker(1), containers.conf(5)).
pub const INHERITED_BY_ENGINES: &[&str] = &[
    "PATH",
    "LANG",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "CONTAINER_HOST",
    "CONTAINER_CONNECTION",
    "CONTAINER_SSHKEY",
    "CONTAINERS_CONF",
    "CONTAINERS_CONF_OVERRIDE",
    "CONTAINERS_STORAGE_CONF",
    "CONTAINERS_REGISTRIES_CONF",
    "REGISTRY_AUTH_FILE",
    "STORAGE_DRIVER",
    "STORAGE_OPTS",
    "PODMAN_CONNECTIONS_CONF",
    "PODMAN_USERNS",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
    "DOCKER_API_VERSION",
    "DOCKER_DEFAULT_PLATFORM",
    "DOCKER_CONTENT_TRUST",
    "DOCKER_CONTENT_TRUST_SERVER",
];

fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    RESERVED.contains(&name.as_str()) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The environment of the engine's own commands.
pub(super) fn engine_environment() -> Vec<(String, String)> {
    let mut variables = environment::inherited(INHERITED_BY_ENGINES);
    variables.push(orphans::engine_marker());
    variables
}

/// The longest value for a file: engines read lines of up to 64 KiB (Go's `bufio.Scanner`).
const MAX_FILE_BYTES: usize = 32 * 1024;

/// A container's variables, by how they are passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Variables {
    own: Vec<(String, String)>,
    file: Vec<(String, String)>,
}

impl Variables {
    /// Sorts variables by how they are passed; of two with the same name the later one counts.
    ///
    /// # Errors
    /// Names the variable that cannot be passed to a container: its name is invalid, or its value has several lines or is very long
    /// and the engine might read the variable.
    pub(super) fn sort(all: impl IntoIterator<Item = (String, String)>) -> Result<Self, String> {
        let mut sorted = Self::default();
        for (name, value) in all {
            sorted.own.retain(|(known, _)| *known != name);
            sorted.file.retain(|(known, _)| *known != name);
            let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let is_name = name.bytes().all(|byte| byte.is_ascii_graphic() && !b"=#".contains(&byte));
            if name.is_empty() || !is_name || value.contains('\0') {
                return Err(format!(
                    "the environment variable {name:?} cannot be passed to a container: its name or value has unsupported characters"
                ));
            }
            if !value.contains(['\n', '\r']) && value.len() <= MAX_FILE_BYTES {
                sorted.file.push((name, value));
            } else if is_plain && !is_reserved(&name) {
                sorted.own.push((name, value));
            } else {
                return Err(format!(
                    "the environment variable {name} cannot be passed to a container: its value is too long or has several lines"
                ));
            }
        }
        Ok(sorted)
    }

    /// The flags of `create`: names only.
    pub(super) fn arguments(&self) -> impl Iterator<Item = String> {
        let file = (!self.file.is_empty()).then(|| "--env-file=/dev/stdin".to_owned());
        self.own.iter().map(|(name, _)| format!("--env={name}")).chain(file)
    }

    /// The variables that are passed by the command's own environment.
    pub(super) fn own(&self) -> &[(String, String)] {
        &self.own
    }

    /// The variables that go through the pipe, as an `--env-file`.
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
    fn a_variable_of_one_line_never_reaches_the_engines_own_environment() {
        for name in ["HOME", "DOCKER_HOST", "http_proxy", "GODEBUG", "LD_AUDIT", "OPENSSL_CONF", "ANY", "A.B", "A*"] {
            assert_eq!(sort(&[(name, "x")]).unwrap().own(), [], "{name}");
        }
        assert!(sort(&[("PATH", "a\nb")]).unwrap_err().contains("PATH"));
        let long = "x".repeat(super::MAX_FILE_BYTES + 1);
        assert!(sort(&[("LD_PRELOAD", &long)]).is_err());
        assert_eq!(sort(&[("DOCUMENT", &long)]).unwrap().own().len(), 1);
    }

    #[test]
    fn the_later_of_two_variables_with_the_same_name_counts() {
        let sorted = sort(&[("A", "1\n"), ("B", "2"), ("A", "3")]).unwrap();
        assert_eq!((sorted.own(), sorted.file().as_str()), (&[][..], "B=2\nA=3\n"));
    }

    #[test]
    fn an_invalid_name_is_refused() {
        for name in ["", "A=B", "A\nB", "#A", "A B"] {
            assert!(sort(&[(name, "x")]).is_err(), "{name:?}");
        }
    }
}
