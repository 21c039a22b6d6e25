//! Approval of stack changes by the command that deploys.

use futures_util::future::LocalBoxFuture;

use super::options::FollowOptions;
use super::stage::Stage;
use crate::commands::approve::{self, first_creation};
use crate::error::CliError;
use crate::model::Stack;
use crate::stack::{ProjectStack, Template, TemplateDiff};

/// A stack of the project and what is deployed of it.
#[derive(Debug, Clone, Copy)]
pub struct Compared<'a> {
    pub stack: &'a ProjectStack,
    /// `None` for a stack that does not exist.
    pub existing: Option<&'a Stack>,
    pub deployed: &'a Template,
}

/// What the command that deploys decides: asks where it has to, and returns whether to go on. An error ends the deploy of the stack as well.
pub trait Approval {
    /// Called before a stack is created. `remains` is a creation that failed, and is deleted first.
    fn creation<'a>(
        &'a self,
        stack: &'a str,
        region: &'a str,
        remains: Option<&'a Stack>,
        stage: &'a mut Stage<'_>,
    ) -> LocalBoxFuture<'a, Result<bool, CliError>>;

    /// Called with the changes of a stack right before they are made.
    fn changes<'a>(
        &'a self,
        compared: Compared<'a>,
        diff: &'a TemplateDiff,
        stage: &'a mut Stage<'_>,
    ) -> LocalBoxFuture<'a, Result<bool, CliError>>;
}

/// `deploy`'s own decisions: a first creation is confirmed where the target is not fixed, changes as `--require-approval` says.
#[derive(Debug)]
pub struct DeployApproval<'a> {
    pub follow: &'a FollowOptions,
}

impl Approval for DeployApproval<'_> {
    fn creation<'a>(
        &'a self,
        stack: &'a str,
        region: &'a str,
        remains: Option<&'a Stack>,
        stage: &'a mut Stage<'_>,
    ) -> LocalBoxFuture<'a, Result<bool, CliError>> {
        Box::pin(async move {
            match remains {
                Some(_) => Ok(true),
                None => first_creation(stage.project, stack, region, stage.ctx).await,
            }
        })
    }

    fn changes<'a>(
        &'a self,
        compared: Compared<'a>,
        diff: &'a TemplateDiff,
        stage: &'a mut Stage<'_>,
    ) -> LocalBoxFuture<'a, Result<bool, CliError>> {
        Box::pin(approve::changes(diff, &compared.stack.name, self.follow.require_approval, stage.ctx))
    }
}
