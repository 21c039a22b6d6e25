//! The only writer to the terminal. One file per view; text and JSON are two renderings of one value.

mod clean;
mod deploy;
pub mod diff;
mod json;
mod live;
mod logs;
mod prompts;
mod sandbox;
mod status;
mod stdout;
mod ui;

pub use clean::clean;
pub use deploy::{
    DeployView, ProgressRows, Summary, deletion_plans, note_event, print_done, print_failed, summary, warn_event,
};
pub use diff::{diffs, show_all_changes, show_changes, show_pending_approval};
pub use live::{Live, UserAction, draw};
pub use logs::{log_events, log_groups, log_streams};
pub use prompts::PromptError;
pub use sandbox::{
    SandboxSession, SandboxStack, SandboxStatus, SandboxTask, SandboxTasks, sandbox_log, sandbox_status,
};
pub use status::{status, status_line};
pub use stdout::stdout_closed;
pub use ui::{Ui, UiOptions, print_startup_error};
