//! `linuxParameters` of a container definition. Pure.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{is_set, read, replace, set};
use crate::process::container_engine::{ContainerOptions, Tmpfs};

/// The one capability that Fargate lets a task add (ECS API reference, `KernelCapabilities`). Others could reach this machine.
const ADDABLE: &str = "SYS_PTRACE";

/// Sets the options; a member that is not honoured is refused by its name.
pub(super) fn parameters(value: &Value, options: &mut ContainerOptions) -> Result<(), String> {
    let members: Map<String, Value> = read(value)?;
    for (name, value) in members.iter().filter(|(_, value)| is_set(value)) {
        match name.as_str() {
            "initProcessEnabled" => replace(value, &mut options.init)?,
            "sharedMemorySize" => set(value, &mut options.shared_memory)?,
            "tmpfs" => tmpfs(value, options)?,
            "capabilities" => capabilities(value, options)?,
            _ => return Err(format!("{name} is not served with containers in the sandbox")),
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TmpfsMember {
    container_path: String,
    size: u32,
    #[serde(default)]
    mount_options: Vec<String>,
}

fn tmpfs(value: &Value, options: &mut ContainerOptions) -> Result<(), String> {
    let mounts: Vec<TmpfsMember> = read(value)?;
    let mounts = mounts.into_iter();
    options.tmpfs = mounts
        .map(|TmpfsMember { container_path: path, size, mount_options: options }| Tmpfs { path, size, options })
        .collect();
    Ok(())
}

#[derive(Deserialize)]
struct KernelCapabilities {
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    drop: Vec<String>,
}

fn capabilities(value: &Value, options: &mut ContainerOptions) -> Result<(), String> {
    let KernelCapabilities { add, drop } = read(value)?;
    if let Some(refused) = add.iter().find(|name| *name != ADDABLE) {
        return Err(format!("the capability {refused} cannot be added; {ADDABLE} can, as on Fargate"));
    }
    (options.added_capabilities, options.dropped_capabilities) = (add, drop);
    Ok(())
}
