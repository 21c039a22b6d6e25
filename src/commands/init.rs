//! `ecsws init`: writes an `ecsws.toml`.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::json_help;
use super::number::whole_number;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::hint::{Hint, SuggestedCommand};
use crate::project::SPEC_FILE;

const EXAMPLES: &str = "Examples:
  ecsws init --image ghcr.io/acme/api:1.4 --port 8080
  ecsws init --workshop && ecsws --sandbox deploy";

/// Write an ecsws.toml to start from
///
/// Without flags it describes one service, named after the folder, on a platform of its own. An existing ecsws.toml is never overwritten.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", json_help::INIT))]
pub(super) struct InitArgs {
    /// Write the ECS workshop's platform and Node.js service
    #[arg(long, conflicts_with_all = ["name", "image", "port"])]
    workshop: bool,
    /// Service name [default: the folder's]
    #[arg(long)]
    name: Option<String>,
    /// Image to run
    #[arg(long, default_value = "public.ecr.aws/nginx/nginx:stable")]
    image: String,
    /// Port of the container
    #[arg(long, default_value_t = 80, allow_negative_numbers = true, value_parser = whole_number(1..=u16::MAX))]
    port: u16,
}

const WORKSHOP: &str = include_str!("../../examples/workshop/ecsws.toml");
const SERVICE: &str = include_str!("init.toml");

pub(super) fn run(args: &InitArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    let folder = ctx.settings.project.clone().unwrap_or_else(|| ctx.settings.working_dir.clone());
    let file = folder.join(SPEC_FILE);
    let text = if args.workshop { WORKSHOP.to_owned() } else { service(args, &folder)? };
    write_new(&file, &text)?;
    ctx.ui.note(&format!("wrote {}", file.display()));
    ctx.ui.json_result(&json!({ "wrote": file }))?;
    let local = |words: &[&str]| {
        let sandbox = (!ctx.settings.sandbox).then_some("--sandbox");
        SuggestedCommand::ecsws(sandbox.into_iter().chain(words.iter().copied()))
    };
    let next = Hint::from("see what it creates with ")
        .then(local(&["synth", "--all"]))
        .text(", and run it on this machine with ")
        .then(local(&["deploy"]));
    ctx.ui.hint(&next);
    Ok(Exit::Done)
}

/// Fills in the form, and checks the result as any other file: a name or an image may be one that AWS refuses.
fn service(args: &InitArgs, folder: &std::path::Path) -> Result<String, CliError> {
    let name = args.name.clone().unwrap_or_else(|| key_from(folder));
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(CliError::usage(format!("--name {name}: a service name has only letters, digits and -")));
    }
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let text = SERVICE
        .replace("{name}", &name)
        .replace("{image}", &quoted(&args.image))
        .replace("{port}", &args.port.to_string());
    match crate::stack::Spec::parse(&text) {
        Ok(_) => Ok(text),
        Err(problems) => {
            let words = problems.0.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("; ");
            Err(CliError::usage(words).hint("change --name, --image or --port"))
        }
    }
}

/// The folder's name, reduced to what a service key may be.
fn key_from(folder: &std::path::Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let kept: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let kept = kept.trim_start_matches(|c: char| c == '-' || c.is_ascii_digit()).trim_end_matches('-').to_owned();
    if kept.is_empty() { "web".to_owned() } else { kept }
}

fn write_new(file: &PathBuf, text: &str) -> Result<(), CliError> {
    let written =
        OpenOptions::new().write(true).create_new(true).open(file).and_then(|mut open| open.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => CliError::usage(format!("{} already exists", file.display()))
            .hint("edit it, or choose another folder with -C"),
        _ => CliError::failed(format!("cannot write {}: {error}", file.display())).source(error),
    })
}
