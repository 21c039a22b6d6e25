//! Makes a stack's template: synth, with what has to be looked up in AWS.

use std::sync::Arc;

use super::aws_look_ups::{self, LookUpError};
use super::{ReadCache, Result};
use crate::model::StackResource;
use crate::stack::spec::PlatformStack;
use crate::stack::{Environment, LookUp, LookUps, Spec, Subnets, Template, VpcContext, platform_ids, synth};

/// What templates are for. Decides what happens if something is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be shown, with `known after STACK` for values that only a deploy can know.
    Show,
    /// To be deployed: everything has to be known.
    Deploy,
}

/// A look-up of the synthesiser.
#[derive(Debug)]
pub(crate) enum LookUpEvent {
    /// It begins, in words.
    Started(String),
    /// The zones of the region, to be pinned.
    AvailabilityZones(Vec<String>),
    /// The VPC with this Name tag, to be pinned. VPCs of the project's own platform are not reported.
    Vpc(String, VpcContext),
}

/// Makes templates for one account and region; makes each look-up once.
#[derive(Debug)]
pub(crate) struct Synthesiser {
    environment: Environment,
    purpose: Purpose,
    look_ups: LookUps,
    reads: Option<Arc<ReadCache>>,
    /// The purpose for which the VPC of the project's own platform was looked up.
    own_vpc_known_for: Option<Purpose>,
}

impl Synthesiser {
    /// A synthesiser with look-ups that are known already.
    pub(crate) fn new(environment: Environment, purpose: Purpose, look_ups: LookUps) -> Self {
        Self { environment, purpose, look_ups, reads: None, own_vpc_known_for: None }
    }

    /// The account and region of the templates.
    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Changes what templates are for.
    pub(crate) fn set_purpose(&mut self, purpose: Purpose) {
        self.purpose = purpose;
    }

    /// Sets the clients for look-ups.
    pub(crate) fn set_clients(&mut self, reads: Arc<ReadCache>) {
        self.reads = Some(reads);
    }

    /// Whether the template of a stack needs a look-up whose result gets pinned.
    pub(crate) fn needs_look_up(&self, spec: &Spec, stack: &str) -> bool {
        self.look_ups.missing(spec, stack).is_some()
    }

    /// Whether the template of a stack needs clients: for a look-up, or to read the stack of the project's own platform.
    pub(crate) fn needs_clients(&self, spec: &Spec, stack: &str) -> bool {
        self.needs_look_up(spec, stack) || own_platform(spec, stack).is_some()
    }

    /// The template of a stack.
    ///
    /// # Errors
    /// Also if something has to be looked up and there are no clients.
    pub(crate) async fn template(
        &mut self,
        spec: &Spec,
        stack: &str,
        on_event: &mut dyn FnMut(LookUpEvent),
    ) -> Result<Template> {
        if let Some(platform) = own_platform(spec, stack).filter(|_| !self.knows_own_vpc()) {
            self.look_up_own_vpc(spec, platform, stack).await?;
        }
        while let Some(look_up) = self.look_ups.missing(spec, stack) {
            let reads = self.clients(stack)?;
            match look_up {
                LookUp::AvailabilityZones => {
                    let region = &self.environment.region;
                    on_event(LookUpEvent::Started(format!("looking up the availability zones of {region}")));
                    let zones = aws_look_ups::availability_zones(reads.aws()).await?;
                    self.look_ups.set_zones(zones.clone());
                    on_event(LookUpEvent::AvailabilityZones(zones));
                }
                LookUp::Vpc(name) => {
                    on_event(LookUpEvent::Started(format!("looking up the VPC {name}")));
                    let vpc = aws_look_ups::vpc(reads.aws(), &name, &self.environment).await?;
                    self.look_ups.set_vpc(&name, vpc.clone());
                    on_event(LookUpEvent::Vpc(name, vpc));
                }
            }
        }
        self.template_with(spec, stack)
    }

    /// The template of another spec of the same stack, with the look-ups that [`Self::template`] has made.
    pub(crate) fn template_with(&self, spec: &Spec, stack: &str) -> Result<Template> {
        Ok(synth(spec, stack, &self.environment, &self.look_ups).map_err(LookUpError::from)?)
    }

    /// Whether the own platform's VPC is known. A deploy of the platform may still replace what is only previewed.
    fn knows_own_vpc(&self) -> bool {
        self.own_vpc_known_for.is_some_and(|purpose| purpose == self.purpose || purpose == Purpose::Deploy)
    }

    fn clients(&self, stack: &str) -> Result<Arc<ReadCache>> {
        Ok(self.reads.clone().ok_or_else(|| LookUpError::NoClients(stack.to_owned()))?)
    }

    /// The VPC of the project's own platform, read from its stack, for a service that uses it.
    async fn look_up_own_vpc(&mut self, spec: &Spec, platform: &PlatformStack, stack: &str) -> Result<()> {
        let (vpc_name, reads) = (&spec.platform.vpc, self.clients(stack)?);
        let deployed = reads.stack(&platform.name).await?.filter(|stack| stack.status.is_created());
        let resources = match &deployed {
            Some(platform) => reads.resources(platform).await?,
            None => Vec::new(),
        };
        let physical_id = |logical_id: &String| {
            let exists = |resource: &&StackResource| resource.logical_id == *logical_id && resource.exists();
            resources.iter().find(exists).map(|resource| resource.physical_id.clone())
        };
        let ids = platform_ids(platform);
        match (physical_id(&ids.vpc), self.purpose) {
            (Some(id), purpose) => {
                self.own_vpc_known_for = Some(purpose);
                let all = |logical_ids: &[String]| logical_ids.iter().filter_map(physical_id).collect();
                let subnets = Subnets { public: all(&ids.public_subnets), private: all(&ids.private_subnets) };
                self.look_ups.set_vpc(vpc_name, VpcContext { id, subnets });
                Ok(())
            }
            (None, Purpose::Show) => {
                self.own_vpc_known_for = Some(Purpose::Show);
                self.look_ups.set_known_after(vpc_name, &platform.name);
                Ok(())
            }
            (None, Purpose::Deploy) => {
                let (platform, stack) = (platform.name.clone(), stack.to_owned());
                Err(LookUpError::PlatformNotDeployed { platform, stack }.into())
            }
        }
    }
}

/// The project's own platform stack, if the VPC of `stack` is in it.
fn own_platform<'a>(spec: &'a Spec, stack: &str) -> Option<&'a PlatformStack> {
    let platform = spec.platform.stack.as_ref();
    platform.filter(|own| stack != own.name && spec.platform.runs_in_own_vpc())
}
