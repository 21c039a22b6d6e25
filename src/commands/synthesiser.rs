//! Builds a stack's desired template: synth, with what has to be looked up.

use super::approve::guard;
use crate::aws::Aws;
use crate::context::Context;
use crate::error::CliError;
use crate::hint::{Hint, Repetition};
use crate::model::{self, StackResource};
use crate::ops;
use crate::project::Project;
use crate::stack::spec::PlatformStack;
use crate::stack::{Environment, Lookup, Lookups, Spec, Subnets, Template, Vpc, platform_ids, synth};

/// What the templates are for. Decides whether pinned answers are used, and what happens if an answer is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be shown: `known after STACK` stands for what only a deploy can know, and pinned answers are used.
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
    own_vpc_is_known: bool,
}

impl Synthesiser {
    /// One without any look-ups yet.
    pub fn new(purpose: Purpose) -> Self {
        Self { purpose, environment: None, lookups: Lookups::default(), own_vpc_is_known: false }
    }

    /// One for an account and region that are known already.
    pub fn for_environment(environment: Environment, purpose: Purpose, project: &Project, is_sandbox: bool) -> Self {
        let lookups = if is_sandbox { Lookups::default() } else { project.lock.lookups(&environment) };
        Self { purpose, environment: Some(environment), lookups, own_vpc_is_known: false }
    }

    /// The template of a stack. AWS clients are built only if something has to be looked up.
    pub async fn template(
        &mut self,
        project: &mut Project,
        stack: &str,
        ctx: &mut Context,
    ) -> Result<Template, CliError> {
        let environment = self.environment(project, ctx).await?;
        let is_missing = self.lookups.missing(&project.spec, stack).is_some();
        let aws = if is_missing || own_platform(project, stack).is_some() {
            let aws = ctx.aws(Some(project)).await?;
            if is_missing && !ctx.settings.sandbox {
                check_environment(project, &aws, &environment).await?;
            }
            Some(aws)
        } else {
            None
        };
        let pins = !ctx.settings.sandbox;
        self.look_up_and_synth(project, stack, aws.as_deref(), pins, &mut |text| ctx.ui.detail(&text)).await
    }

    /// The template of a stack, with look-ups through `aws`. With `pins`, new answers are written to `ecsws.lock`, but never the ids of the
    /// project's own platform.
    ///
    /// # Errors
    /// Also if something has to be looked up and there are no clients.
    pub async fn look_up_and_synth(
        &mut self,
        project: &mut Project,
        stack: &str,
        aws: Option<&Aws>,
        pins: bool,
        detail: &mut dyn FnMut(String),
    ) -> Result<Template, CliError> {
        let clients = || aws.ok_or_else(|| CliError::failed(format!("look-ups for {stack} need AWS")));
        let environment = self.environment.clone().ok_or_else(|| CliError::failed("no account and region is known"))?;
        if let Some(platform) = own_platform(project, stack).filter(|_| !self.own_vpc_is_known) {
            self.own_vpc(project, platform, stack, clients()?).await?;
        }
        let mut pinned = false;
        while let Some(lookup) = self.lookups.missing(&project.spec, stack) {
            match lookup {
                Lookup::AvailabilityZones => {
                    detail(format!("looking up the availability zones of {}", environment.region));
                    let zones = clients()?.availability_zones().await?;
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
                    detail(format!("looking up the VPC {name}"));
                    let vpc = look_up_vpc(clients()?, &name, &environment).await?;
                    project.lock.pin_vpc(&environment, &name, vpc.clone());
                    self.lookups.set_vpc(&name, vpc);
                    pinned = true;
                }
            }
        }
        if pinned && pins {
            project.save_lock()?;
        }
        synth(&project.spec, stack, &environment, &self.lookups).map_err(|error| CliError::usage(error.to_string()))
    }

    /// Changes what the templates are for.
    pub fn set_purpose(&mut self, purpose: Purpose) {
        self.purpose = purpose;
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

    /// The VPC of the project's own platform, read from its stack, for a service that uses it.
    async fn own_vpc(
        &mut self,
        project: &Project,
        platform: &PlatformStack,
        stack: &str,
        aws: &Aws,
    ) -> Result<(), CliError> {
        let vpc_name = &project.spec.platform.vpc;
        let complete = aws.stack(&platform.name).await?.is_some_and(|stack| ops::is_created(&stack.status));
        let resources = if complete { aws.stack_resources(&platform.name).await? } else { Vec::new() };
        let physical = |logical: &String| {
            let exists = |resource: &&StackResource| resource.logical_id == *logical && resource.exists();
            resources.iter().find(exists).map(|resource| resource.physical_id.clone())
        };
        let ids = platform_ids(platform);
        match (physical(&ids.vpc), self.purpose) {
            (Some(id), purpose) => {
                // A deploy of the platform may still replace what is only previewed.
                self.own_vpc_is_known = purpose == Purpose::Deploy;
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

/// The project's own platform stack, if the VPC of `stack` is in it.
fn own_platform<'a>(project: &'a Project, stack: &str) -> Option<&'a PlatformStack> {
    let platform = project.spec.platform.stack.as_ref();
    platform.filter(|own| stack != own.name && project.spec.platform.runs_in_own_vpc())
}

/// Refuses clients of another place: their answers must not be pinned for this one.
async fn check_environment(project: &Project, aws: &Aws, environment: &Environment) -> Result<(), CliError> {
    let here = Environment { account: guard(project, aws).await?, region: aws.region().to_owned() };
    if here == *environment {
        return Ok(());
    }
    let Environment { account, region } = environment;
    let message = format!(
        "this template is for account {account}, {region}, but the look-ups would be made in {}, {}",
        here.account, here.region
    );
    Err(CliError::usage(message).hint("choose --profile and --region accordingly"))
}

/// As [`known_environment`]; STS answers what that leaves open.
async fn shown_environment(project: &Project, ctx: &mut Context) -> Result<Environment, CliError> {
    if let Some(environment) = known_environment(project, ctx) {
        return Ok(environment);
    }
    let account = project.spec.target.account.clone();
    let current = read_environment(project, ctx).await?;
    Ok(Environment { account: account.unwrap_or(current.account), region: current.region })
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

async fn read_environment(project: &Project, ctx: &mut Context) -> Result<Environment, CliError> {
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
