//! `ecsws.lock`: pinned results of look-ups, so that a spec always yields the same template.

use std::fmt::Write as _;

use super::check;
use super::look_ups::{Environment, LookUps, Subnets, VpcContext};
use super::reader::{Document, Source, Table, Validated};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// The current version of the format.
const VERSION: u32 = 1;

/// The contents of an `ecsws.lock`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    vpcs: Vec<(Environment, String, VpcContext)>,
    zones: Vec<(Environment, Vec<String>)>,
}

impl Lock {
    /// Reads a lock file.
    ///
    /// # Errors
    /// All errors of the file.
    pub fn parse(text: &str) -> Result<Self, Diagnostics> {
        let source = Source::new(text);
        let document = Document::parse(&source)?;
        let root = document.root();
        root.required("version", "a lock file starts with version = 1", version);
        let vpcs = root.tables("vpc").into_iter().filter_map(vpc).collect();
        let zones = root.tables("availability_zones").into_iter().filter_map(zones).collect();
        root.finish();
        document.finish(Some(Self { vpcs, zones })).map(|(lock, _)| lock)
    }

    /// Serializes the lock.
    pub fn to_toml(&self) -> String {
        let mut text = format!("version = {VERSION}\n");
        for (Environment { account, region }, name, VpcContext { id, subnets }) in &self.vpcs {
            let rows = [("account", account), ("region", region), ("name", name), ("id", id)];
            section(&mut text, "vpc", &rows);
            list(&mut text, "public_subnets", &subnets.public);
            list(&mut text, "private_subnets", &subnets.private);
        }
        for (Environment { account, region }, names) in &self.zones {
            section(&mut text, "availability_zones", &[("account", account), ("region", region)]);
            list(&mut text, "names", names);
        }
        text
    }

    /// The pinned availability zones.
    pub fn zones(&self, environment: &Environment) -> Option<&[String]> {
        self.zones.iter().find(|(pinned, _)| pinned == environment).map(|(_, names)| names.as_slice())
    }

    /// All pinned look-ups of an environment.
    pub fn look_ups(&self, environment: &Environment) -> LookUps {
        let mut look_ups = LookUps::default();
        for (_, name, vpc) in self.vpcs.iter().filter(|(pinned, _, _)| pinned == environment) {
            look_ups.set_vpc(name, vpc.clone());
        }
        if let Some(names) = self.zones(environment) {
            look_ups.set_zones(names.to_vec());
        }
        look_ups
    }

    /// Pins a VPC. Replaces a previous pin.
    pub fn pin_vpc(&mut self, environment: &Environment, name: &str, vpc: VpcContext) {
        self.vpcs.retain(|(pinned, pinned_name, _)| pinned != environment || pinned_name != name);
        self.vpcs.push((environment.clone(), name.to_owned(), vpc));
    }

    /// Pins the availability zones. Replaces a previous pin.
    pub fn pin_zones(&mut self, environment: &Environment, names: Vec<String>) {
        self.zones.retain(|(pinned, _)| pinned != environment);
        self.zones.push((environment.clone(), names));
    }

    /// The environment of all entries, if it is the same for all.
    pub fn only_environment(&self) -> Option<&Environment> {
        let vpcs = self.vpcs.iter().map(|(environment, _, _)| environment);
        let mut environments = vpcs.chain(self.zones.iter().map(|(environment, _)| environment));
        let first = environments.next()?;
        environments.all(|environment| environment == first).then_some(first)
    }
}

fn version(value: &toml::de::DeValue<'_>) -> Validated<()> {
    match check::integer("a version", 0..=u32::MAX)(value)? {
        VERSION => Ok(()),
        newer => Err(Diagnostic::new(format!("is {newer}, but this version of ecsws reads version {VERSION}"))
            .hint("update ecsws")),
    }
}

fn environment(table: &Table<'_, '_>) -> Option<Environment> {
    let account = table.required("account", "add the account id", check::account);
    let region = table.required("region", "add the region", check::region);
    Some(Environment { account: account?, region: region? })
}

fn vpc(table: Table<'_, '_>) -> Option<(Environment, String, VpcContext)> {
    let environment = environment(&table);
    let name = table.required("name", "add the VPC's Name tag", check::non_empty);
    let id = table.required("id", "add the VPC's id", check::resource_id("vpc"));
    let subnets = |key| {
        table.required(key, "add the list of ids", |value| match value.as_array() {
            Some(none) if none.is_empty() => Ok(Vec::new()),
            _ => check::unique_list(check::resource_id("subnet"))(value),
        })
    };
    let (public, private) = (subnets("public_subnets"), subnets("private_subnets"));
    table.finish();
    Some((environment?, name?, VpcContext { id: id?, subnets: Subnets { public: public?, private: private? } }))
}

fn zones(table: Table<'_, '_>) -> Option<(Environment, Vec<String>)> {
    let environment = environment(&table);
    let names = table.required("names", "add the list of zones", check::unique_list(check::non_empty));
    table.finish();
    Some((environment?, names?))
}

fn section(text: &mut String, name: &str, rows: &[(&str, &String)]) {
    let _ = writeln!(text, "\n[[{name}]]");
    for (key, value) in rows {
        let _ = writeln!(text, "{key} = {}", toml_string(value));
    }
}

fn list(text: &mut String, key: &str, values: &[String]) {
    let values: Vec<String> = values.iter().map(|value| toml_string(value)).collect();
    let _ = writeln!(text, "{key} = [{}]", values.join(", "));
}

fn toml_string(text: &str) -> String {
    toml::Value::from(text).to_string()
}
