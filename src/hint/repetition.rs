//! Suggestions to repeat the command that runs: with the arguments that the user gave.

/// The subcommand that runs, with its arguments as the user gave them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subcommand {
    /// Its name; two where it is a subcommand of another one.
    pub names: Vec<String>,
    /// Its arguments, without global flags.
    pub arguments: Vec<Argument>,
}

/// An argument of a subcommand: a flag, with or without a value, or a value alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// The flag, such as `--image`.
    pub flag: Option<String>,
    /// Its value.
    pub value: Option<String>,
}

/// A suggestion to repeat the subcommand that runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repetition {
    /// The subcommands that may be repeated.
    subcommands: &'static [&'static str],
    /// The words in place of a flag and its value.
    replaced: Vec<(&'static str, Vec<String>)>,
    /// Further words.
    added: Vec<String>,
    /// The command where another subcommand runs.
    otherwise: Vec<String>,
}

impl Repetition {
    /// The subcommand that runs, where it is one of `subcommands`, or else the command `otherwise`.
    pub fn new(subcommands: &'static [&'static str], otherwise: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let otherwise = otherwise.into_iter().map(Into::into).collect();
        Self { subcommands, replaced: Vec::new(), added: Vec::new(), otherwise }
    }

    /// The `deploy` or `scale` that runs, or else a `deploy` of these stacks.
    pub fn deploy(stacks: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let stacks = stacks.into_iter().map(Into::into);
        Self::new(&["deploy", "scale"], std::iter::once("deploy".to_owned()).chain(stacks))
    }

    /// Without the `--timeout` that was given: the same one would run out again.
    #[must_use]
    pub fn without_timeout(self) -> Self {
        self.replacing("--timeout", [""; 0]).replacing("--on-timeout", [""; 0])
    }

    /// With other words in place of a flag and its value.
    #[must_use]
    pub fn replacing(mut self, flag: &'static str, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.replaced.push((flag, words.into_iter().map(Into::into).collect()));
        self
    }

    /// With further words.
    #[must_use]
    pub fn adding(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.added.extend(words.into_iter().map(Into::into));
        self
    }

    /// The words of the command, given the subcommand that runs.
    pub(super) fn words(&self, running: &Subcommand) -> Vec<String> {
        let Subcommand { names, arguments } = running;
        if !names.first().is_some_and(|name| self.subcommands.contains(&name.as_str())) {
            return self.otherwise.clone();
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
    fn the_arguments_are_repeated_unless_others_take_their_place() {
        let scale = running(
            "scale",
            &[
                (None, Some("api")),
                (Some("--count"), Some("9")),
                (Some("--timeout"), Some("1m")),
                (Some("--hotswap"), None),
            ],
        );
        let again = Repetition::deploy(["s1"]);
        assert_eq!(again.words(&scale).join(" "), "scale api --count 9 --timeout 1m --hotswap");
        assert_eq!(again.clone().without_timeout().words(&scale).join(" "), "scale api --count 9 --hotswap");
        let other_limit = again.replacing("--count", ["--max", "9"]).replacing("--hotswap", [""; 0]).adding(["x"]);
        assert_eq!(other_limit.words(&scale).join(" "), "scale api --max 9 --timeout 1m x");
        assert_eq!(other_limit.words(&running("status", &[])).join(" "), "deploy s1");
    }
}
