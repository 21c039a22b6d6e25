//! The operations on parameters.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Parameter, public};
use crate::sandbox::services::Reply;
use crate::sandbox::world::World;
use crate::sandbox::world::clock::epoch_seconds;
use crate::sandbox::{Config, Fault, Sandbox};

const KINDS: &[&str] = &["String", "StringList", "SecureString"];

fn default_kind() -> String {
    "String".to_owned()
}

/// The input of `PutParameter`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Put {
    name: String,
    value: String,
    #[serde(rename = "Type", default = "default_kind")]
    kind: String,
    description: Option<String>,
    #[serde(default)]
    overwrite: bool,
}

/// `PutParameter`.
pub fn put(sandbox: &Arc<Sandbox>, input: Put) -> Reply {
    let Put { name, value, kind, description, overwrite } = input;
    check_name(&name)?;
    if !KINDS.contains(&kind.as_str()) {
        let message = format!(
            "1 validation error detected: Value '{kind}' at 'type' failed to satisfy constraint: \
             Member must satisfy enum value set: [SecureString, StringList, String]"
        );
        return Err(Fault::client("ValidationException", message));
    }
    let modified = sandbox.clock.now();
    sandbox.world.write(|world| {
        let before = world.ssm.parameters.get(&name);
        if before.is_some() && !overwrite {
            let message = "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.";
            return Err(Fault::client("ParameterAlreadyExists", message));
        }
        let version = before.map_or(1, |parameter| parameter.version + 1);
        let parameter = Parameter { name: name.clone(), kind, value, version, modified, description };
        world.ssm.parameters.insert(name, parameter);
        Ok(json!({ "Version": version, "Tier": "Standard" }))
    })
}

fn check_name(name: &str) -> Result<(), Fault> {
    let fits = |character: char| character.is_ascii_alphanumeric() || "_.-/".contains(character);
    if name.is_empty() || !name.chars().all(fits) {
        let message = "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of \
                       sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following \
                       3 symbols .-_";
        return Err(Fault::client("ValidationException", message));
    }
    let reserved = name.trim_start_matches('/').to_ascii_lowercase();
    if reserved.starts_with("aws") || reserved.starts_with("ssm") {
        return Err(Fault::client("ValidationException", format!("No access to reserved parameter name: {name}.")));
    }
    Ok(())
}

fn described(config: &Config, parameter: &Parameter) -> Value {
    let arn = if parameter.name.starts_with("/aws/service/") {
        format!("arn:aws:ssm:{}::parameter{}", config.region, parameter.name)
    } else {
        config.arn("ssm", &format!("parameter/{}", parameter.name.trim_start_matches('/')))
    };
    json!({
        "Name": parameter.name,
        "Type": parameter.kind,
        "Value": parameter.value,
        "Version": parameter.version,
        "LastModifiedDate": epoch_seconds(parameter.modified),
        "ARN": arn,
        "DataType": "text",
    })
}

fn find(world: &World, name: &str) -> Option<Parameter> {
    world.ssm.parameters.get(name).cloned().or_else(|| public::find(name))
}

/// The input of operations on one parameter.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Named {
    name: String,
}

/// `GetParameter`.
pub fn get(sandbox: &Arc<Sandbox>, input: Named) -> Reply {
    let found = sandbox.world.read(|world| find(world, &input.name));
    let parameter = found.ok_or_else(|| Fault::client("ParameterNotFound", ""))?;
    Ok(json!({ "Parameter": described(&sandbox.config, &parameter) }))
}

/// The input of operations on several parameters.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NamedAll {
    names: Vec<String>,
}

/// `GetParameters`: what there is, and the names of what there is not.
pub fn get_all(sandbox: &Arc<Sandbox>, input: NamedAll) -> Value {
    let (mut found, mut invalid) = (Vec::new(), Vec::new());
    sandbox.world.read(|world| {
        for name in &input.names {
            match find(world, name) {
                Some(parameter) => found.push(described(&sandbox.config, &parameter)),
                None => invalid.push(name),
            }
        }
        json!({ "Parameters": found, "InvalidParameters": invalid })
    })
}

/// The input of `GetParametersByPath`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ByPath {
    path: String,
    #[serde(default)]
    recursive: bool,
}

/// `GetParametersByPath`, all in one page.
pub fn get_by_path(sandbox: &Arc<Sandbox>, input: ByPath) -> Value {
    let folder = format!("{}/", input.path.trim_end_matches('/'));
    let mut found = public::below(&folder);
    sandbox.world.read(|world| {
        found.extend(world.ssm.parameters.with_prefix(&folder).map(|(_, parameter)| parameter.clone()));
    });
    let wanted = found.iter().filter(|parameter| input.recursive || !parameter.name[folder.len()..].contains('/'));
    json!({ "Parameters": wanted.map(|parameter| described(&sandbox.config, parameter)).collect::<Vec<_>>() })
}

/// The input of `DescribeParameters`.
#[derive(Deserialize)]
pub struct Describe {}

/// `DescribeParameters`: the account's own, all in one page, without their values.
pub fn describe(sandbox: &Arc<Sandbox>, Describe {}: Describe) -> Value {
    sandbox.world.read(|world| {
        let parameters = world.ssm.parameters.values().map(|parameter| {
            json!({
                "Name": parameter.name,
                "Type": parameter.kind,
                "LastModifiedDate": epoch_seconds(parameter.modified),
                "Description": parameter.description,
                "Version": parameter.version,
                "Tier": "Standard",
                "Policies": [],
                "DataType": "text",
            })
        });
        json!({ "Parameters": parameters.collect::<Vec<_>>() })
    })
}

/// `DeleteParameter`.
pub fn delete(sandbox: &Arc<Sandbox>, input: Named) -> Reply {
    sandbox.world.write(|world| {
        let removed = world.ssm.parameters.remove(&input.name);
        removed.map(|_| json!({})).ok_or_else(|| Fault::client("ParameterNotFound", ""))
    })
}

/// `DeleteParameters`.
pub fn delete_all(sandbox: &Arc<Sandbox>, input: NamedAll) -> Reply {
    sandbox.world.write(|world| {
        let (deleted, invalid): (Vec<_>, Vec<_>) =
            input.names.into_iter().partition(|name| world.ssm.parameters.remove(name).is_some());
        Ok(json!({ "DeletedParameters": deleted, "InvalidParameters": invalid }))
    })
}
