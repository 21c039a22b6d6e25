//! Where a deploy gets its templates from.

use crate::ops::OpsError;
use crate::stack::{ProjectStack, Template};

/// Where a deploy gets its templates from.
pub trait TemplateSource {
    /// The error of the command that deploys.
    type Error: From<OpsError>;

    /// The template of a stack, to be deployed now: what it needs has been deployed.
    fn template(&self, stack: &ProjectStack) -> impl Future<Output = Result<Template, Self::Error>>;

    /// The template of a stack as far as it is known before the stacks that it needs are deployed.
    fn preview(&self, stack: &ProjectStack) -> impl Future<Output = Result<Template, Self::Error>>;
}
