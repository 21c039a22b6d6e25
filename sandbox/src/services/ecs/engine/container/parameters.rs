//! `linuxParameters` of a container definition as an engine's flags. Pure.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::arguments::{asks_for_something, each, read};

/// The one capability that Fargate lets a task add (ECS API reference, `KernelCapabilities`). Others could reach this machine.
const ADDABLE: &str = "SYS_PTRACE";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tmpfs {
    container_path: String,
    size: u32,
    #[serde(default)]
    mount_options: Vec<String>,
}

/// The flags; what is not honoured is refused by its name.
pub(super) fn linux_parameters(value: &Value) -> Result<Vec<String>, String> {
    let members: Map<String, Value> = read(value)?;
    let mut flags = Vec::new();
    for (name, value) in members.iter().filter(|(_, value)| asks_for_something(value)) {
        flags.extend(match name.as_str() {
            "initProcessEnabled" => vec!["--init".to_owned()],
            "sharedMemorySize" => vec![format!("--shm-size={}m", read::<u32>(value)?)],
            "tmpfs" => each("--tmpfs", value, tmpfs)?,
            "capabilities" => capabilities(value)?,
            _ => return Err(format!("{name} is not served with containers in the sandbox")),
        });
    }
    Ok(flags)
}

fn tmpfs(Tmpfs { container_path, size, mount_options }: &Tmpfs) -> String {
    let options: String = mount_options.iter().flat_map(|option| [",", option]).collect();
    format!("{container_path}:size={size}m{options}")
}

#[derive(Deserialize)]
struct Capabilities {
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    drop: Vec<String>,
}

fn capabilities(value: &Value) -> Result<Vec<String>, String> {
    let Capabilities { add, drop } = read(value)?;
    if let Some(refused) = add.iter().find(|name| *name != ADDABLE) {
        return Err(format!("the capability {refused} cannot be added; {ADDABLE} can, as on Fargate"));
    }
    let added = add.iter().map(|name| format!("--cap-add={name}"));
    Ok(added.chain(drop.iter().map(|name| format!("--cap-drop={name}"))).collect())
}
