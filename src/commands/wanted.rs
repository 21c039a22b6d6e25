//! Builds a stack's desired template: synth, with what has to be looked up.

use std::sync::Arc;

use super::approve::guard;
use crate::aws::Aws;
use crate::context::Context;
use crate::error::CliError;
use crate::hint::{Hint, Repetition};
use crate::model::{self, StackResource};
use crate::ops;
use crate::project::Project;
use crate::stack::{Environment, Lookup, Lookups, Spec, Subnets, Template, Vpc, platform_ids, synth};

/// What the templates are for; it decides how much may be asked of AWS, and what is done where an answer is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be looked at: `known after STACK` stands for what only a deploy can tell, and pinned answers are believed.
    Show {
        /// Ask again even where `ecsws.lock` has the answer.
        refresh: bool,
    },
    /// To be deployed: everything has to be known.
    Deploy,
}

/// Makes templates; asks each question once.
#[derive(Debug)]
pub struct Synthesiser {
    purpose: Purpose,
    environment: Option<Environment>,
    lookups: Lookups,
}

impl Synthesiser {
    /// One that has asked nothing yet.
    pub fn new(purpose: Purpose) -> Self {
        Self { purpose, environment: None, lookups: Lookups::default() }
    }

    /// One that makes templates for an account and region that are known already.
    pub fn for_environment(environment: Environment, purpose: Purpose, project: &Project, ctx: &Context) -> Self {
        let lookups = if ctx.settings.sandbox { Lookups::default() } else { project.lock.lookups(&environment) };
        Self { purpose, environment: Some(environment), lookups }
    }

    /// The template of a stack. New answers are pinned in `ecsws.lock`, but never the sandbox's, nor the ids of the project's own platform.
    pub async fn template(
        &mut self,
        project: &mut Project,
        stack: &str,
        ctx: &mut Context,
    ) -> Result<Template, CliError> {
        let environment = self.environment(project, ctx).await?;
        self.own_vpc(project, stack, ctx).await?;
        let mut pinned = false;
        while let Some(lookup) = self.lookups.missing(&project.spec, stack) {
            match lookup {
                Lookup::AvailabilityZones => {
                    ctx.ui.detail(&format!("looking up the availability zones of {}", environment.region));
                    let zones = self.asked(project, &environment, ctx).await?.availability_zones().await?;
                    if zones.is_empty() {
                        return Err(CliError::failed(format!(
                            "{} has no availability zone that is open",
                            environment.region
                        )));
                    }
                    project.lock.pin_zones(&environment, zones.clone());
                    self.lookups.set_zones(zones);
                    pinned = true;
                }
                Lookup::Vpc(name) => {
                    ctx.ui.detail(&format!("looking up the VPC {name}"));
                    let aws = self.asked(project, &environment, ctx).await?;
                    let vpc = look_up_vpc(&aws, &name, &environment).await?;
                    project.lock.pin_vpc(&environment, &name, vpc.clone());
                    self.lookups.set_vpc(&name, vpc);
                    pinned = true;
                }
            }
        }
        if pinned && !ctx.settings.sandbox {
            project.save_lock()?;
        }
        synth(&project.spec, stack, &environment, &self.lookups).map_err(|error| CliError::usage(error.to_string()))
    }

    /// The template of a stack as far as it is known before stacks that it needs are deployed.
    pub async fn preview(
        &mut self,
        project: &mut Project,
        stack: &str,
        ctx: &mut Context,
    ) -> Result<Template, CliError> {
        let purpose = std::mem::replace(&mut self.purpose, Purpose::Show { refresh: false });
        let template = self.template(project, stack, ctx).await;
        self.purpose = purpose;
        template
    }

    /// The template of another spec of the same stack, with the look-ups that [`Self::template`] has made.
    pub fn template_with(&self, spec: &Spec, stack: &str) -> Result<Template, CliError> {
        let environment = self.environment.as_ref().ok_or_else(|| CliError::failed("nothing was looked up yet"))?;
        synth(spec, stack, environment, &self.lookups).map_err(|error| CliError::usage(error.to_string()))
    }

    /// Account and region, decided once; then what is pinned for them is known.
    async fn environment(&mut self, project: &Project, ctx: &mut Context) -> Result<Environment, CliError> {
        if let Some(environment) = &self.environment {
            return Ok(environment.clone());
        }
        let environment = match self.purpose {
            _ if ctx.settings.sandbox => ctx.sandbox_environment(Some(project)),
            _ => shown_environment(project, ctx).await?,
        };
        if !ctx.settings.sandbox && self.purpose != (Purpose::Show { refresh: true }) {
            self.lookups = project.lock.lookups(&environment);
        }
        Ok(self.environment.insert(environment).clone())
    }

    /// The clients, if they are those of `environment`: the answers of another place must not be pinned for it.
    async fn asked(
        &self,
        project: &Project,
        environment: &Environment,
        ctx: &mut Context,
    ) -> Result<Arc<Aws>, CliError> {
        let aws = ctx.aws(Some(project)).await?;
        if !ctx.settings.sandbox {
            let here = Environment { account: guard(project, &aws).await?, region: aws.region().to_owned() };
            if here != *environment {
                let Environment { account, region } = environment;
                return Err(CliError::usage(format!(
                    "this template is for account {account}, {region}, but the look-ups would be made in {}, {}",
                    here.account, here.region
                ))
                .hint("choose --profile and --region accordingly"));
            }
        }
        Ok(aws)
    }

    /// The VPC of the project's own platform, read from its stack, for a service that uses it.
    async fn own_vpc(&mut self, project: &Project, stack: &str, ctx: &mut Context) -> Result<(), CliError> {
        let platform = project.spec.platform.stack.as_ref();
        let platform = platform.filter(|own| stack != own.name && project.spec.platform.runs_in_own_vpc());
        let Some(platform) = platform else { return Ok(()) };
        let vpc_name = &project.spec.platform.vpc;
        let aws = ctx.aws(Some(project)).await?;
        let complete = aws.stack(&platform.name).await?.is_some_and(|stack| ops::is_created(&stack.status));
        let resources = if complete { aws.stack_resources(&platform.name).await? } else { Vec::new() };
        let physical = |logical: &String| {
            let exists = |resource: &&StackResource| resource.logical_id == *logical && resource.exists();
            resources.iter().find(exists).map(|resource| resource.physical_id.clone())
        };
        let ids = platform_ids(platform);
        match (physical(&ids.vpc), self.purpose) {
            (Some(id), _) => {
                let all = |logical: &[String]| logical.iter().filter_map(physical).collect();
                let subnets = Subnets { public: all(&ids.public_subnets), private: all(&ids.private_subnets) };
                self.lookups.set_vpc(vpc_name, Vpc { id, subnets });
            }
            (None, Purpose::Show { .. }) => self.lookups.set_known_after(vpc_name, &platform.name),
            (None, Purpose::Deploy) => {
                let both = Repetition::new(&["deploy"], ["deploy", &platform.name, stack]).adding([&platform.name]);
                return Err(CliError::failed(format!(
                    "stack {} is not deployed, and {stack} needs its subnets",
                    platform.name
                ))
                .hint(Hint::repeat(both).text(" deploys both, in order")));
            }
        }
        Ok(())
    }
}

/// As [`known_environment`]; what that leaves open is asked of AWS.
async fn shown_environment(project: &Project, ctx: &mut Context) -> Result<Environment, CliError> {
    if let Some(environment) = known_environment(project, ctx) {
        return Ok(environment);
    }
    let account = project.spec.target.account.clone();
    let asked = ask_environment(project, ctx).await?;
    Ok(Environment { account: account.unwrap_or(asked.account), region: asked.region })
}

/// `[target]`, then the flags and the AWS environment. An account left open is the one that `ecsws.lock` is for.
fn known_environment(project: &Project, ctx: &Context) -> Option<Environment> {
    let target = &project.spec.target;
    let region = target
        .region
        .clone()
        .or_else(|| ctx.settings.region_flag.clone())
        .or_else(|| ctx.settings.region_variable.clone());
    let locked = project.lock.only_environment();
    let account = target.account.clone().or_else(|| {
        let same_region = locked.filter(|locked| region.as_ref().is_none_or(|region| *region == locked.region));
        same_region.map(|locked| locked.account.clone())
    });
    Some(Environment { account: account?, region: region.or_else(|| locked.map(|locked| locked.region.clone()))? })
}

async fn ask_environment(project: &Project, ctx: &mut Context) -> Result<Environment, CliError> {
    let aws = ctx.aws(Some(project)).await?;
    Ok(Environment { account: aws.identity().await?.account, region: aws.region().to_owned() })
}

async fn look_up_vpc(aws: &Aws, name: &str, environment: &Environment) -> Result<Vpc, CliError> {
    let Environment { account, region } = environment;
    let ids = aws.vpc_ids(name).await?;
    match ids.as_slice() {
        [id] => Ok(subnets(aws.vpc(id).await?)),
        [] => {
            Err(CliError::failed(format!("there is no VPC with the Name tag `{name}` in account {account}, {region}"))
                .hint("set platform.vpc, or platform.subnets, or let [platform.stack] make one"))
        }
        several => {
            Err(CliError::failed(format!("{} VPCs have the Name tag `{name}`: {}", several.len(), several.join(", ")))
                .hint("set platform.subnets instead"))
        }
    }
}

/// cdk's two kinds: by its own tag, or else by whether there is a route to an internet gateway. Isolated subnets are neither.
fn subnets(vpc: model::Vpc) -> Vpc {
    let mut found = Subnets::default();
    for subnet in vpc.subnets {
        match subnet.cdk_type.as_deref() {
            Some("Public") => found.public.push(subnet.id),
            Some("Private") => found.private.push(subnet.id),
            Some("Isolated") => {}
            _ if subnet.public => found.public.push(subnet.id),
            _ => found.private.push(subnet.id),
        }
    }
    Vpc { id: vpc.id, subnets: found }
}
