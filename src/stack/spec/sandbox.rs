//! `[sandbox]`: how the sandbox runs tasks.

use indexmap::IndexMap;

use crate::stack::check;
use crate::stack::reader::{Entry, Table};

/// Settings of the sandbox: how tasks run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// The runtime of tasks.
    pub runtime: Runtime,
    /// Commands to run in place of images, by image.
    pub images: IndexMap<String, ImageCommand>,
}

/// How the sandbox runs tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// As processes of this machine.
    #[default]
    Process,
    /// In containers of podman.
    Podman,
    /// In containers of docker.
    Docker,
}

/// A command to run in place of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageCommand {
    /// The command; `{port}` is the task's port.
    pub command: Vec<String>,
    /// Folder to run it in, relative to the project's.
    pub cwd: Option<String>,
}

impl Runtime {
    /// Its name in the spec.
    pub fn name(self) -> &'static str {
        RUNTIMES.iter().find(|(_, runtime)| *runtime == self).map_or("", |(name, _)| name)
    }
}

const RUNTIMES: &[(&str, Runtime)] =
    &[("process", Runtime::Process), ("podman", Runtime::Podman), ("docker", Runtime::Docker)];

pub(super) fn read(table: Table<'_, '_>) -> Sandbox {
    let runtime = table.optional("runtime", check::one_of(RUNTIMES)).unwrap_or_default();
    let images = table.table("images").map(|images| {
        let entries = images.entries().into_iter();
        entries
            .filter_map(|entry| {
                image_command(&images, &entry).map(|image_command| (entry.key.to_owned(), image_command))
            })
            .collect()
    });
    table.finish();
    Sandbox { runtime, images: images.unwrap_or_default() }
}

fn image_command(images: &Table<'_, '_>, entry: &Entry<'_, '_>) -> Option<ImageCommand> {
    if let Err(diagnostic) = check::IMAGE.check(entry.key) {
        images.report_key(entry, diagnostic);
    }
    let table = images.table_of(images.join(entry.key), entry.value)?;
    let command = table.required("command", "add command = [\"node\", \"server.js\"]", check::list(check::string));
    let cwd = table.optional("cwd", check::non_empty);
    table.finish();
    Some(ImageCommand { command: command?, cwd })
}
