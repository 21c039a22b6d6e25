//! Completion of names: reads the project at hand, asks nothing of AWS, and is silent about anything that is wrong.

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::project::Project;
use crate::settings::{GlobalArgs, Surroundings, resolve};
use crate::stack;

/// Keys of the services in `ecsws.toml`.
pub fn services() -> ArgValueCandidates {
    ArgValueCandidates::new(|| names(|project| project.spec.services.keys().cloned().collect()))
}

/// Names of the stacks in `ecsws.toml`.
pub fn stacks() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        names(|project| stack::stacks(&project.spec).into_iter().map(|stack| stack.name).collect())
    })
}

fn names(of: impl Fn(&Project) -> Vec<String>) -> Vec<CompletionCandidate> {
    let project = project().map(|project| of(&project)).unwrap_or_default();
    project.into_iter().map(CompletionCandidate::new).collect()
}

/// The project that the command line being completed means.
fn project() -> Option<Project> {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let after = |flag: &str| words.iter().position(|word| word == flag).and_then(|at| words.get(at + 1));
    let flags =
        GlobalArgs { project: after("-C").or_else(|| after("--project")).map(Into::into), ..GlobalArgs::default() };
    let settings = resolve(flags, Surroundings::of_this_process().ok()?);
    Project::find(&settings).ok()?
}
