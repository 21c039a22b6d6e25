//! What has to exist before services are created: exports, a cluster, parameters and secrets, images with valid names.

use std::collections::BTreeMap;

use super::{Finding, Result, unless_denied};
use crate::aws::Aws;
use crate::diagnostic::Diagnostic;
use crate::hint::Hint;
use crate::model::Export;
use crate::ops::ReadCache;
use crate::similar_names::most_similar;
use crate::stack::spec::{Reference, Secret, Service, Spec};
use crate::stack::{ProjectStack, StackKind, image_error, platform_exports};

/// Looks for everything that the services of the stacks need.
pub(crate) async fn requirements(reads: &ReadCache, spec: &Spec, stacks: &[ProjectStack]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let services = stacks.iter().filter_map(|stack| match &stack.kind {
        StackKind::Service(key) => Some((stack, spec.services.get(key)?)),
        StackKind::Platform => None,
    });
    let services: Vec<(&ProjectStack, &Service)> = services.collect();
    for (stack, service) in &services {
        let image = &service.container.image;
        if let Some(mistake) = image_error(image) {
            let message = format!("{}: image `{image}`: {mistake}", stack.name);
            findings.push(Finding::rejection(message, "an image is [HOST/]NAME[:TAG][@DIGEST]"));
        }
    }
    let makes_platform = stacks.iter().any(|stack| stack.kind == StackKind::Platform);
    let provided: &[&str] = if makes_platform { platform_exports() } else { &[] };
    let exports = check_imports(reads, spec, &services, provided, &mut findings).await?;
    let cluster = match &spec.platform.cluster {
        Reference::Literal(name) => Some(name.clone()),
        Reference::Import(name) => {
            exports.iter().find(|export| export.name == *name).map(|export| export.value.clone())
        }
    };
    if let Some(cluster) = cluster.filter(|_| !services.is_empty()) {
        check_cluster(reads.aws(), &cluster, &mut findings).await?;
    }
    check_secrets(reads.aws(), &services, &mut findings).await?;
    Ok(findings)
}

async fn check_imports(
    reads: &ReadCache,
    spec: &Spec,
    services: &[(&ProjectStack, &Service)],
    provided: &[&str],
    findings: &mut Vec<Finding>,
) -> Result<Vec<Export>> {
    let mut imported: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (stack, service) in services {
        for name in spec.platform.imports_of(service) {
            imported.entry(name).or_default().push(&stack.name);
        }
    }
    imported.retain(|name, _| !provided.contains(name));
    if imported.is_empty() {
        return Ok(Vec::new());
    }
    let Some(exports) = unless_denied(reads.exports().await, findings)? else { return Ok(Vec::new()) };
    for (name, importers) in imported {
        if exports.iter().any(|export| export.name == name) {
            continue;
        }
        let known: Vec<&str> = exports.iter().map(|export| export.name.as_str()).collect();
        let hint: Hint = match most_similar(name, &known) {
            Some(near) => format!("there is an export `{near}`; set it in [platform]").into(),
            None => "deploy the stack that exports it first, or set [platform] to an existing export".into(),
        };
        let message = format!("no stack exports `{name}`, which {} imports", importers.join(", "));
        findings.push(Finding::rejection(message, hint));
    }
    Ok(exports)
}

/// Checks that the cluster exists and is active.
async fn check_cluster(aws: &Aws, cluster: &str, findings: &mut Vec<Finding>) -> Result<()> {
    let Some(status) = unless_denied(aws.cluster_status(cluster).await, findings)? else { return Ok(()) };
    match status.as_deref() {
        Some("ACTIVE") => {}
        Some(status) => {
            let message = format!("cluster `{cluster}` is {status}");
            findings.push(Finding::Rejection(Diagnostic::new(message)));
        }
        None => {
            let hint = "create it, or set platform.cluster to an existing one";
            findings.push(Finding::rejection(format!("there is no cluster `{cluster}`"), hint));
        }
    }
    Ok(())
}

async fn check_secrets(aws: &Aws, services: &[(&ProjectStack, &Service)], findings: &mut Vec<Finding>) -> Result<()> {
    let secrets = services.iter().flat_map(|(stack, service)| {
        service.container.secrets.iter().map(move |(variable, secret)| (stack.name.as_str(), variable, secret))
    });
    let (mut parameters, mut checked) = (Vec::new(), BTreeMap::new());
    for (stack, variable, secret) in secrets {
        match secret {
            Secret::Parameter(name) => parameters.push((stack, variable, name.as_str())),
            Secret::SecretsManager(name) => {
                if !checked.contains_key(name) {
                    checked.insert(name, unless_denied(aws.has_secret(name).await, findings)?);
                }
                if checked.get(name) == Some(&Some(false)) {
                    let command = ["secretsmanager", "create-secret", "--name", name, "--secret-string", "VALUE"];
                    let message = format!("there is no secret `{name}`, which {stack} reads as {variable}");
                    findings.push(Finding::rejection(message, Hint::aws_command(command)));
                }
            }
        }
    }
    for chunk in parameters.chunks(50) {
        let names: Vec<&str> = chunk.iter().map(|(_, _, name)| *name).collect();
        let missing = unless_denied(aws.missing_parameters(&names).await, findings)?.unwrap_or_default();
        for (stack, variable, name) in chunk.iter().filter(|(_, _, name)| missing.iter().any(|one| one == name)) {
            let command = ["ssm", "put-parameter", "--type", "SecureString", "--name", name, "--value", "VALUE"];
            let message = format!("there is no parameter `{name}`, which {stack} reads as {variable}");
            findings.push(Finding::rejection(message, Hint::aws_command(command)));
        }
    }
    Ok(())
}
