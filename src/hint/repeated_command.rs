//! Suggestions to repeat the running command with the user's arguments.

/// The running subcommand with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subcommand {
    /// Its name, after that of its parent command if it has one.
    pub names: Vec<String>,
    /// Its arguments, without global flags.
    pub arguments: Vec<Argument>,
}

/// An argument of a subcommand: a flag, with or without a value, or a value alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// The flag, such as `--image`.
    pub flag: Option<String>,
    pub value: Option<String>,
}

/// A suggestion to repeat the running subcommand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepeatedCommand {
    /// The subcommands that are repeated.
    subcommands: &'static [&'static str],
    /// Flags to replace, with their values, and their replacements.
    replaced: Vec<(&'static str, Vec<String>)>,
    /// Words to append.
    added: Vec<String>,
    /// The command to suggest if another subcommand is running.
    fallback: Vec<String>,
}

impl RepeatedCommand {
    /// Repeats the running subcommand if it is one of `subcommands`; suggests the command `fallback` otherwise.
    pub fn new(subcommands: &'static [&'static str], fallback: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let fallback = fallback.into_iter().map(Into::into).collect();
        Self { subcommands, replaced: Vec::new(), added: Vec::new(), fallback }
    }

    /// Repeats the running `deploy` or `scale`; suggests a `deploy` of these stacks otherwise.
    pub fn deploy(stacks: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let stacks = stacks.into_iter().map(Into::into);
        Self::new(&["deploy", "scale"], std::iter::once("deploy".to_owned()).chain(stacks))
    }

    /// Removes the given `--timeout`, which would expire again.
    #[must_use]
    pub fn without_timeout(self) -> Self {
        self.replacing("--timeout", [""; 0]).replacing("--on-timeout", [""; 0])
    }

    /// Replaces a flag and its value by other words.
    #[must_use]
    pub fn replacing(mut self, flag: &'static str, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.replaced.push((flag, words.into_iter().map(Into::into).collect()));
        self
    }

    /// Appends words.
    #[must_use]
    pub fn adding(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.added.extend(words.into_iter().map(Into::into));
        self
    }

    /// The words of the command, given the running subcommand.
    pub(super) fn words(&self, running: &Subcommand) -> Vec<String> {
        let Subcommand { names, arguments } = running;
        if !names.first().is_some_and(|name| self.subcommands.contains(&name.as_str())) {
            return self.fallback.clone();
        }
        let arguments = arguments.iter().flat_map(|Argument { flag, value }| {
            let replaced = self.replaced.iter().find(|(name, _)| flag.as_deref() == Some(name));
            replaced.map_or_else(|| flag.iter().chain(value).cloned().collect(), |(_, words)| words.clone())
        });
        names.iter().cloned().chain(arguments).chain(self.added.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(name: &str, arguments: &[(Option<&str>, Option<&str>)]) -> Subcommand {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let arguments = arguments.iter().map(|(flag, value)| Argument { flag: owned(*flag), value: owned(*value) });
        Subcommand { names: vec![name.to_owned()], arguments: arguments.collect() }
    }

    #[test]
    fn arguments_are_repeated_unless_replaced() {
        let scale = running(
            "scale",
            &[
                (None, Some("api")),
                (Some("--count"), Some("9")),
                (Some("--timeout"), Some("1m")),
                (Some("--hotswap"), None),
            ],
        );
        let repetition = RepeatedCommand::deploy(["s1"]);
        assert_eq!(repetition.words(&scale).join(" "), "scale api --count 9 --timeout 1m --hotswap");
        assert_eq!(repetition.clone().without_timeout().words(&scale).join(" "), "scale api --count 9 --hotswap");
        let other_limit = repetition.replacing("--count", ["--max", "9"]).replacing("--hotswap", [""; 0]).adding(["x"]);
        assert_eq!(other_limit.words(&scale).join(" "), "scale api --max 9 --timeout 1m x");
        assert_eq!(other_limit.words(&running("status", &[])).join(" "), "deploy s1");
    }
}
