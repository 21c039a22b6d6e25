//! What the stacks of a deploy share: the terminal, the project, and what is underway.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::{Mutex, MutexGuard};

use super::approval::Approval;
use super::options::{DeployOptions, FollowOptions};
use super::preflight::Checked;
use crate::aws::Aws;
use crate::commands::approve::declined;
use crate::commands::wanted::Synthesiser;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ops::{DeployEvent, Operation};
use crate::project::Project;
use crate::render::DeployView;
use crate::stack::ProjectStack;

/// What only one stack can use at a time.
pub struct Stage<'a> {
    pub project: &'a mut Project,
    pub ctx: &'a mut Context,
    pub synthesiser: Synthesiser,
    pub view: DeployView,
}

/// What goes on with a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Underway {
    /// A change set is being made, or waits for approval: nothing has changed yet.
    Preparing,
    /// CloudFormation is at work on the stack of this name or ARN.
    Running(Operation, String),
    /// CloudFormation is done; its services come to rest.
    Settling,
}

/// Shared by the futures of all stacks, which run on one thread.
pub struct Shared<'a> {
    pub aws: &'a Aws,
    pub follow: &'a FollowOptions,
    pub options: &'a DeployOptions,
    pub approval: &'a dyn Approval,
    stage: Mutex<Stage<'a>>,
    /// Events that came while somebody used the stage.
    waiting: RefCell<Vec<DeployEvent>>,
    underway: RefCell<BTreeMap<String, Underway>>,
    /// Stacks whose changes the user did not approve.
    declined: RefCell<BTreeSet<String>>,
    /// The user wants no more.
    cancelled: RefCell<bool>,
    /// What is deployed.
    pub stacks: &'a [ProjectStack],
    /// What the checks before the first change found.
    pub preflight: Mutex<Checked>,
}

impl<'a> Shared<'a> {
    pub fn new(
        aws: &'a Aws,
        follow: &'a FollowOptions,
        options: &'a DeployOptions,
        approval: &'a dyn Approval,
        stacks: &'a [ProjectStack],
        stage: Stage<'a>,
    ) -> Self {
        Self {
            aws,
            follow,
            options,
            approval,
            stacks,
            preflight: Mutex::default(),
            stage: Mutex::new(stage),
            waiting: RefCell::default(),
            underway: RefCell::default(),
            declined: RefCell::default(),
            cancelled: RefCell::new(false),
        }
    }

    /// The stage, once nobody else uses it; shows what happened meanwhile.
    pub async fn stage(&self) -> MutexGuard<'_, Stage<'a>> {
        let mut stage = self.stage.lock().await;
        self.catch_up(&mut stage);
        stage
    }

    /// The stage, if nobody uses it.
    pub fn try_stage(&self) -> Option<MutexGuard<'_, Stage<'a>>> {
        self.stage.try_lock().ok()
    }

    /// Shows an event, or keeps it until the stage is free: a question must not be written over.
    pub fn show(&self, event: DeployEvent) {
        self.waiting.borrow_mut().push(event);
        if let Ok(mut stage) = self.stage.try_lock() {
            self.catch_up(&mut stage);
        }
    }

    fn catch_up(&self, stage: &mut Stage<'a>) {
        for event in self.waiting.take() {
            stage.view.show(&mut stage.ctx.ui, &event);
        }
    }

    /// Notes what goes on with a stack; `None` when it has ended.
    pub fn is(&self, stack: &str, underway: Option<Underway>) {
        match underway {
            Some(underway) => self.underway.borrow_mut().insert(stack.to_owned(), underway),
            None => self.underway.borrow_mut().remove(stack),
        };
    }

    pub fn underway(&self) -> BTreeMap<String, Underway> {
        self.underway.borrow().clone()
    }

    /// The error of a stack whose changes the user did not approve.
    pub fn decline(&self, stack: &str) -> CliError {
        self.declined.borrow_mut().insert(stack.to_owned());
        declined(&[stack])
    }

    pub fn is_declined(&self, stack: &str) -> bool {
        self.declined.borrow().contains(stack)
    }

    pub fn cancel(&self) {
        *self.cancelled.borrow_mut() = true;
    }

    /// An error once the user wants no more.
    pub fn go_on(&self, stack: &str) -> Result<(), CliError> {
        if self.is_cancelled() {
            return Err(CliError::new(Exit::Interrupted, format!("interrupted; {stack} is as it was")));
        }
        Ok(())
    }

    pub fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow()
    }
}
