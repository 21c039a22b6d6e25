//! Text for the user that may contain commands, such as the hint below an error.
//!
//! A suggested command must reach the same project, account and endpoint as the running command. So commands are values in the
//! text, and only [`CommandLine`], which knows the user's flags, turns them into words.

mod repeated_command;

use crate::shell;
pub use repeated_command::Subcommand;
pub(crate) use repeated_command::{Argument, RepeatedCommand};

/// How this program was called: the program name and global flags of suggested commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The program's name as typed.
    pub program: String,
    /// The given global flags, one word each, unquoted.
    pub flags: Vec<String>,
    /// The profile flag among them.
    pub profile_flags: Vec<String>,
    /// The other flags among them that the AWS CLI accepts as well.
    pub aws_flags: Vec<String>,
    /// The running subcommand.
    pub subcommand: Subcommand,
    /// Whether commands go to the sandbox, which the AWS CLI reaches by the variables that `sandbox env` prints.
    pub in_sandbox: bool,
}

/// A command line without its global flags.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SuggestedCommand {
    /// A subcommand of this program, with its arguments.
    Ecsws(Vec<String>),
    /// The running subcommand again.
    Repeat(RepeatedCommand),
    /// A command of the AWS CLI, with profile, region and endpoint.
    Aws(Vec<String>),
    /// `aws sso login`, with the profile.
    AwsSignIn,
}

/// Text that may contain commands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Hint(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Text(String),
    SuggestedCommand(SuggestedCommand),
}

impl SuggestedCommand {
    /// A subcommand of this program, with its arguments.
    pub fn ecsws(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Ecsws(words.into_iter().map(Into::into).collect())
    }

    /// A command of the AWS CLI, without `aws`.
    pub fn aws(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Aws(words.into_iter().map(Into::into).collect())
    }
}

/// Subcommands that take one service.
const SERVICE_COMMANDS: &[&str] = &["logs", "status"];

impl Hint {
    /// Text that starts with the running subcommand.
    pub fn repeat(repetition: RepeatedCommand) -> Self {
        Self::default().then(SuggestedCommand::Repeat(repetition))
    }

    /// Adds the service to commands that take one and have none.
    #[must_use]
    pub fn for_service(mut self, key: &str) -> Self {
        for part in &mut self.0 {
            if let Part::SuggestedCommand(SuggestedCommand::Ecsws(words)) = part
                && words.len() == 1
                && SERVICE_COMMANDS.contains(&words[0].as_str())
            {
                words.push(key.to_owned());
            }
        }
        self
    }

    /// Text that starts with a command of this program.
    pub fn command(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::default().then(SuggestedCommand::ecsws(words))
    }

    /// Text that starts with a command of the AWS CLI.
    pub fn aws_command(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::default().then(SuggestedCommand::aws(words))
    }

    /// Appends a command.
    #[must_use]
    pub fn then(mut self, command: SuggestedCommand) -> Self {
        self.0.push(Part::SuggestedCommand(command));
        self
    }

    /// Appends text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(Part::Text(text.into()));
        self
    }

    /// Appends other text with its commands.
    #[must_use]
    pub fn append(mut self, other: &Self) -> Self {
        self.0.extend(other.0.iter().cloned());
        self
    }

    /// The text with its commands in backticks.
    pub fn show(&self, line: &CommandLine) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::SuggestedCommand(command) => format!("`{}`", line.show(command)),
        });
        parts.collect()
    }
}

impl From<&str> for Hint {
    fn from(text: &str) -> Self {
        Self::default().text(text)
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Self {
        Self::default().text(text)
    }
}

impl CommandLine {
    /// The command, quoted for a shell.
    pub fn show(&self, command: &SuggestedCommand) -> String {
        let text = |words: &'_ [String]| words.iter().map(|word| shell::quote(word).into_owned()).collect::<Vec<_>>();
        let profile = text(&self.profile_flags);
        let words = match command {
            SuggestedCommand::Ecsws(words) => self.ecsws(words),
            SuggestedCommand::Repeat(repetition) => self.ecsws(&repetition.words(&self.subcommand)),
            SuggestedCommand::Aws(words) if self.in_sandbox => {
                let flags = self.flags.iter().filter(|flag| *flag != "--sandbox").cloned().collect();
                let environment = Self { flags, ..self.clone() }.show(&SuggestedCommand::ecsws(["sandbox", "env"]));
                [vec![format!("eval \"$({environment})\" && aws")], text(words)].concat()
            }
            SuggestedCommand::Aws(words) => {
                [vec!["aws".to_owned()], profile, text(&self.aws_flags), text(words)].concat()
            }
            SuggestedCommand::AwsSignIn => [vec!["aws".to_owned()], profile, vec!["sso login".to_owned()]].concat(),
        };
        words.join(" ")
    }

    /// The words of a command of this program. A command that deletes stacks does not inherit the `--yes` of another command.
    fn ecsws(&self, words: &[String]) -> Vec<String> {
        let name = words.first();
        let deletes = name.is_some_and(|name| name == "destroy") && name != self.subcommand.names.first();
        let flags = self.flags.iter().filter(|flag| !(deletes && *flag == "--yes"));
        std::iter::once(&self.program).chain(flags).chain(words).map(|word| shell::quote(word).into_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_command_carries_the_flags_and_survives_the_shell() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let line = CommandLine {
            program: "/opt/my tools/ecsws".to_owned(),
            flags: words(&["--profile", "it's", "-C", "a b", "--region", ""]),
            profile_flags: words(&["--profile", "it's"]),
            aws_flags: words(&["--region", ""]),
            subcommand: Subcommand {
                names: words(&["deploy"]),
                arguments: vec![Argument { flag: Some("--image".to_owned()), value: Some("a=b c".to_owned()) }],
            },
            in_sandbox: false,
        };
        let hint = Hint::command(["logs", "$(api)"])
            .then(SuggestedCommand::AwsSignIn)
            .then(SuggestedCommand::aws(["ecs", "ls"]));
        let shown = hint.show(&line);
        let commands: Vec<Vec<String>> =
            shown.split('`').skip(1).step_by(2).map(|command| shlex::split(command).unwrap()).collect();
        let expected = [
            vec!["/opt/my tools/ecsws", "--profile", "it's", "-C", "a b", "--region", "", "logs", "$(api)"],
            vec!["aws", "--profile", "it's", "sso", "login"],
            vec!["aws", "--profile", "it's", "--region", "", "ecs", "ls"],
        ];
        assert_eq!(commands, expected, "{shown}");
        let line = CommandLine {
            program: "ecsws".to_owned(),
            flags: words(&["--sandbox", "-C", "x"]),
            in_sandbox: true,
            ..line
        };
        let repetition = RepeatedCommand::deploy(["api"]);
        assert_eq!(line.show(&SuggestedCommand::Repeat(repetition)), "ecsws --sandbox -C x deploy --image 'a=b c'");
        assert_eq!(line.show(&SuggestedCommand::ecsws(["deploy"])), "ecsws --sandbox -C x deploy");
        assert_eq!(
            line.show(&SuggestedCommand::aws(["ecs", "ls"])),
            "eval \"$(ecsws -C x sandbox env)\" && aws ecs ls"
        );
    }

    #[test]
    fn a_suggested_deletion_does_not_inherit_yes_from_another_command() {
        let mut line = CommandLine {
            program: "ecsws".to_owned(),
            flags: ["--yes".to_owned(), "--quiet".to_owned()].to_vec(),
            profile_flags: Vec::new(),
            aws_flags: Vec::new(),
            subcommand: Subcommand { names: vec!["deploy".to_owned()], arguments: Vec::new() },
            in_sandbox: false,
        };
        let destroy = SuggestedCommand::ecsws(["destroy", "api"]);
        assert_eq!(line.show(&destroy), "ecsws --quiet destroy api");
        line.subcommand.names = vec!["destroy".to_owned()];
        assert_eq!(line.show(&destroy), "ecsws --yes --quiet destroy api");
    }
}
