//! A deploy or destroy as it happens: a line an event, and on a terminal a bar that says what is in progress.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::tz::TimeZone;
use owo_colors::OwoColorize as _;
use serde_json::json;

use super::{Ui, clean};
use crate::error::CliError;
use crate::ops::{DeployEvent, Operation, ResourceEvent};

const TICK: Duration = Duration::from_millis(100);

/// Folds events into lines and a bar.
#[derive(Debug)]
pub struct DeployView {
    bar: Option<ProgressBar>,
    zone: TimeZone,
    /// Resources in progress by logical id, with what happens to them.
    in_progress: BTreeMap<String, String>,
}

impl DeployView {
    /// A view that has shown nothing yet. The bar needs a terminal.
    pub fn new(ui: &Ui, zone: TimeZone) -> Self {
        let bar = (ui.is_watched() && !ui.is_json()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(
                ProgressStyle::with_template("{spinner} {prefix} {msg} {elapsed:.dim}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { bar, zone, in_progress: BTreeMap::new() }
    }

    /// Shows an event. A reader of JSON who went away does not stop the work.
    pub fn show(&mut self, ui: &mut Ui, event: &DeployEvent) {
        if ui.is_json() {
            drop(ui.json_line(event));
            return;
        }
        match event {
            DeployEvent::Started { stack, operation } => self.started(ui, stack, *operation),
            DeployEvent::NoChanges { stack } => self.say(ui, &format!("{}  {stack} (no changes)", "✓".green())),
            DeployEvent::Resource { stack, done, total, resource } => {
                self.resource(ui, stack, (*done, *total), resource);
            }
            DeployEvent::Tasks { service, desired, running, pending } => {
                self.say(ui, &format!("{service}: {running} of {desired} tasks running, {pending} pending"));
            }
            // Ten equal failures are told once, and then every ten.
            DeployEvent::TaskStopped { service, task, cause, count } => {
                if *count == 1 || count % 10 == 0 {
                    let (task, cause) = (clean(task, false), clean(cause, false));
                    let times = if *count == 1 { String::new() } else { format!(" ({count} times)") };
                    self.say(ui, &format!("{} {service}: task {task} stopped{times}: {cause}", "!".red().bold()));
                }
            }
            DeployEvent::Note { message } => self.say(ui, &clean(message, false)),
            DeployEvent::Finished { stack, operation, seconds, .. } => {
                self.in_progress.clear();
                let done = match operation {
                    Operation::Create => "created",
                    Operation::Update => "updated",
                    Operation::Delete => "deleted",
                };
                self.say(ui, &format!("{}  {} {done} in {seconds:.1} s", "✓".green(), stack.green()));
            }
        }
    }

    /// Says what is being waited for before there are events. Brings the bar back after [`DeployView::end`].
    pub fn busy(&self, what: &str) {
        let Some(bar) = &self.bar else { return };
        if bar.is_finished() {
            bar.reset();
            bar.enable_steady_tick(TICK);
        }
        bar.set_prefix(what.to_owned());
        bar.set_message("");
    }

    /// Takes the bar away: for questions, and for what comes after.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn started(&mut self, ui: &mut Ui, stack: &str, operation: Operation) {
        let doing = match operation {
            Operation::Create => "creating",
            Operation::Update => "updating",
            Operation::Delete => "deleting",
        };
        self.busy(&format!("{stack}: {doing} …"));
        if self.bar.is_none() {
            ui.note(&format!("{stack}: {doing} …"));
        }
    }

    fn resource(&mut self, ui: &mut Ui, stack: &str, (done, total): (usize, usize), event: &ResourceEvent) {
        let moves = event.status.ends_with("_IN_PROGRESS");
        if moves {
            self.in_progress.insert(event.logical_id.clone(), short_type(&event.resource_type).to_owned());
        } else {
            self.in_progress.remove(&event.logical_id);
        }
        if let Some(bar) = &self.bar {
            bar.set_prefix(format!("{stack} {done}/{total}"));
            bar.set_message(
                self.in_progress.iter().map(|(id, kind)| format!("{kind} {id}")).take(3).collect::<Vec<_>>().join(", "),
            );
        }
        // On a terminal the bar tells what moves; a line is for what happened.
        if self.bar.is_none() || !moves || event.status.contains("ROLLBACK") {
            let line = self.line(stack, (done, total), event);
            self.say(ui, &line);
        }
    }

    /// cdk's line; on a terminal a shorter one, since the bar says which stack it is.
    fn line(&self, stack: &str, (done, total): (usize, usize), event: &ResourceEvent) -> String {
        let time = event.timestamp.to_zoned(self.zone.clone()).strftime("%H:%M:%S");
        let count = format!("{done:>width$}/{total}", width = total.to_string().len());
        let status = painted_status(&event.status);
        let reason =
            event.reason.as_deref().map(|reason| format!(" {}", clean(reason, false).bold())).unwrap_or_default();
        let (resource_type, logical_id) = (clean(&event.resource_type, false), clean(&event.logical_id, false));
        if self.bar.is_some() {
            let short = resource_type.trim_start_matches("AWS::");
            return format!("{count} {time} {status} {short:<27} {}{reason}", logical_id.cyan());
        }
        format!("{stack} | {count} | {time} | {status} | {resource_type:<40} | {}{reason}", logical_id.cyan())
    }

    fn say(&self, ui: &mut Ui, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| ui.note(text)),
            None => ui.note(text),
        }
    }
}

/// Cut to the width of cdk's column, in cdk's colours.
fn painted_status(status: &str) -> String {
    let padded = format!("{:<20}", status.chars().take(20).collect::<String>());
    match status {
        status if status.ends_with("_FAILED") => padded.red().to_string(),
        status if status.contains("ROLLBACK") => padded.yellow().to_string(),
        status if status.ends_with("_COMPLETE") => padded.green().to_string(),
        _ => padded,
    }
}

impl Drop for DeployView {
    fn drop(&mut self) {
        self.end();
    }
}

/// `AWS::EC2::NatGateway` is `NatGateway` where space is short.
fn short_type(resource_type: &str) -> &str {
    resource_type.rsplit("::").next().unwrap_or(resource_type)
}

/// The last event of a command that tells events as JSON: that it is done, or why not.
pub fn ended(ui: &mut Ui, error: Option<&CliError>) -> io::Result<()> {
    if !ui.is_json() {
        return Ok(());
    }
    ui.json_line(&match error {
        None => json!({ "event": "done" }),
        Some(error) => json!({ "event": "failed", "exit": error.exit.code(), "message": error.summary() }),
    })
}

/// What a deploy leaves behind, for the end of it.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Stack, key and value of every output.
    pub outputs: Vec<(String, String, String)>,
    /// Services and where they answer: on this machine, and by Cloud Map's name.
    pub services: Vec<(String, Vec<String>)>,
    /// Commands to try next.
    pub next: Vec<String>,
}

/// Shows what there is now and what to try next.
pub fn summary(ui: &mut Ui, summary: &Summary) -> io::Result<()> {
    let out = ui.results();
    if !summary.outputs.is_empty() {
        writeln!(out, "\n{}", "Outputs:".bold())?;
        for (stack, key, value) in &summary.outputs {
            writeln!(out, "  {stack}.{} = {}", key.cyan(), clean(value, false))?;
        }
    }
    if summary.services.iter().any(|(_, addresses)| !addresses.is_empty()) {
        writeln!(out, "\n{}", "Services:".bold())?;
    }
    for (service, addresses) in summary.services.iter().filter(|(_, addresses)| !addresses.is_empty()) {
        let addresses: Vec<String> = addresses.iter().map(|address| address.underline().to_string()).collect();
        writeln!(out, "  {} answers at {}", service.cyan(), addresses.join(" and as "))?;
    }
    out.flush()?;
    if !summary.next.is_empty() {
        ui.note(&format!("\n{}\n  {}", "Try next:".bold(), summary.next.join("\n  ")));
    }
    Ok(())
}
