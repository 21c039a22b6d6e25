//! The only writer to the terminal. One file per view; text and JSON are two renderings of one value.

mod clean;
mod deploy;
pub(crate) mod diff;
mod json;
mod live;
mod logs;
mod progress;
mod progress_terminal;
mod prompts;
mod sandbox;
mod standard_stream;
mod status;
mod stdout;
mod templates;
mod ui;

pub(crate) use clean::clean;
pub use deploy::ProgressRows;
pub(crate) use deploy::{
    DeployView, Summary, deletion_plans, note_event, print_done, print_failed, summary, warn_event,
};
pub(crate) use diff::{diffs, show_all_changes, show_changes, show_pending_approval};
pub use live::draw;
pub(crate) use live::{LiveTerminal, UserAction};
pub(crate) use logs::{
    LineOptions, LogPrinter, ReadProgress, ShownEvent, live_notice, log_groups, log_streams, previous_task,
    stopped_task_note,
};
pub(crate) use progress::wait_notice;
pub(crate) use prompts::PromptError;
pub(crate) use sandbox::{
    SandboxSession, SandboxStack, SandboxStatus, SandboxTask, SandboxTasks, injected_faults, lines_or_json,
    sandbox_log, sandbox_status,
};
pub(crate) use status::{ListedStack, StatusLineFormat, stack_list, status, status_line, status_table};
pub(crate) use stdout::stdout_closed;
pub(crate) use templates::{templates, templates_by_name};
pub(crate) use ui::{Ui, UiOptions, print_startup_error};
