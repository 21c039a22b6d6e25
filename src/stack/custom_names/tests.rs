//! Name conflicts on templates of several types.

use serde_json::json;

use super::*;

fn template(resources: &Value) -> Template {
    let template = json!({ "Resources": resources });
    Template::from_map(template.as_object().cloned().unwrap_or_default())
}

fn service(properties: &Value) -> Value {
    json!({ "Type": "AWS::ECS::Service", "Properties": properties })
}

fn replaced(id: &str, causes: &[&str], changed: &[&str]) -> Replacement {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Replacement { logical_id: id.to_owned(), is_certain: true, causes: owned(causes), changed: owned(changed) }
}

fn changes(old: &Value, new: &Value, replaced: &[Replacement]) -> NameChanges {
    NameChanges::between(&template(old), &template(new), replaced, &KnownValues::default())
}

/// The logical ids of conflicts, and of new names.
fn ids(changes: &NameChanges) -> (Vec<&str>, Vec<&str>) {
    let conflicts = changes.conflicts.iter().map(|conflict| conflict.logical_id.as_str()).collect();
    (conflicts, changes.new_names.iter().map(|(id, _)| id.as_str()).collect())
}

#[test]
fn identifying_properties_of_types_are_known() {
    for (kind, properties) in [
        ("AWS::ECS::Service", vec!["?Cluster", "ServiceName"]),
        ("AWS::ECS::Cluster", vec!["ClusterName"]),
        ("AWS::IAM::Role", vec!["RoleName"]),
        ("AWS::Logs::LogGroup", vec!["LogGroupName"]),
        ("AWS::S3::Bucket", vec!["BucketName"]),
        ("AWS::ServiceDiscovery::PrivateDnsNamespace", vec!["Vpc", "Name"]),
        ("AWS::EKS::Addon", vec!["ClusterName", "AddonName"]),
    ] {
        let identifying = properties_of(TABLE, kind).expect("the type has a custom name").collect::<Vec<_>>();
        assert_eq!(identifying, properties, "{kind}");
    }
    // Another task definition of the same family is its next revision; an inline policy is overwritten.
    for kind in ["AWS::ECS::TaskDefinition", "AWS::IAM::Policy", "AWS::EC2::VPC", "Custom", "AWS::No::Type"] {
        assert!(properties_of(TABLE, kind).is_none(), "{kind}");
    }
}

#[test]
fn a_replacement_that_keeps_the_name_is_a_conflict_for_every_type() {
    for (kind, name, other) in [
        ("AWS::ECS::Service", "ServiceName", "SchedulingStrategy"),
        ("AWS::IAM::Role", "RoleName", "Path"),
        ("AWS::ServiceDiscovery::Service", "Name", "HealthCheckCustomConfig"),
        ("AWS::ElasticLoadBalancingV2::TargetGroup", "Name", "Port"),
        ("AWS::ECR::Repository", "RepositoryName", "EncryptionConfiguration"),
        ("AWS::RDS::DBInstance", "DBInstanceIdentifier", "MasterUsername"),
    ] {
        let resource = |name_value: Value, value: u8| json!({ "A": { "Type": kind, "Properties": { name: name_value, other: value } } });
        let replaced = [replaced("A", &[other], &[other])];
        assert_eq!(
            ids(&changes(&resource("a".into(), 1), &resource("a".into(), 2), &replaced)),
            (vec!["A"], vec![]),
            "{kind}"
        );
        assert_eq!(
            ids(&changes(&resource("a".into(), 1), &resource("b".into(), 2), &replaced)),
            (vec![], vec!["A"]),
            "{kind}"
        );
        assert_eq!(
            ids(&changes(&resource("a".into(), 1), &resource(Value::Null, 2), &replaced)),
            (vec![], vec![]),
            "{kind}"
        );
        assert_eq!(
            ids(&changes(&resource(Value::Null, 1), &resource("a".into(), 2), &replaced)),
            (vec![], vec!["A"]),
            "{kind}"
        );
        assert_eq!(ids(&changes(&resource("a".into(), 1), &resource("a".into(), 2), &[])), (vec![], vec![]), "{kind}");
    }
}

#[test]
fn a_name_is_unique_only_within_its_cluster_and_namespace() {
    let in_cluster = |cluster: Value, strategy: &str| json!({ "A": service(&json!({ "Cluster": cluster, "ServiceName": "a", "SchedulingStrategy": strategy })) });
    let replaced = |changed: &[&str]| [replaced("A", &["SchedulingStrategy"], changed)];
    let moved = changes(
        &in_cluster("x".into(), "DAEMON"),
        &in_cluster("y".into(), "REPLICA"),
        &replaced(&["Cluster", "SchedulingStrategy"]),
    );
    assert_eq!(ids(&moved), (vec![], vec!["A"]));
    let import = json!({ "Fn::ImportValue": "Cluster" });
    let same = changes(
        &in_cluster(import.clone(), "DAEMON"),
        &in_cluster(import.clone(), "REPLICA"),
        &replaced(&["SchedulingStrategy"]),
    );
    assert_eq!(ids(&same), (vec!["A"], vec![]));
    // The change set shows that the imported value has changed.
    let moved = changes(
        &in_cluster(import.clone(), "DAEMON"),
        &in_cluster(import.clone(), "REPLICA"),
        &replaced(&["Cluster", "SchedulingStrategy"]),
    );
    assert_eq!(ids(&moved), (vec![], vec!["A"]));
    // The same cluster, referenced in two ways.
    let known = KnownValues { exports: [("Cluster".to_owned(), "x".to_owned())].into(), ..KnownValues::default() };
    let same = NameChanges::between(
        &template(&in_cluster("x".into(), "DAEMON")),
        &template(&in_cluster(import, "REPLICA")),
        &replaced(&["SchedulingStrategy"]),
        &known,
    );
    assert_eq!(ids(&same), (vec!["A"], vec![]));
}

#[test]
fn a_name_that_is_scoped_by_a_replaced_resource_is_no_conflict() {
    let with_cidr = |cidr: &str| {
        json!({
            "Vpc": { "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": cidr } },
            "Namespace": { "Type": "AWS::ServiceDiscovery::PrivateDnsNamespace", "Properties": { "Name": "x", "Vpc": { "Ref": "Vpc" } } },
        })
    };
    let replaced = [replaced("Vpc", &["CidrBlock"], &["CidrBlock"]), replaced("Namespace", &["Vpc"], &[])];
    let known = KnownValues { references: [("Vpc".to_owned(), "vpc-1".to_owned())].into(), ..KnownValues::default() };
    let changes = NameChanges::between(
        &template(&with_cidr("10.0.0.0/24")),
        &template(&with_cidr("10.1.0.0/24")),
        &replaced,
        &known,
    );
    assert_eq!(ids(&changes), (vec![], vec!["Namespace"]));
}

#[test]
fn a_name_that_moves_to_another_logical_id_is_a_conflict() {
    let named = |name: &str| json!({ "Type": "AWS::Logs::LogGroup", "Properties": { "LogGroupName": name } });
    let moved = changes(&json!({ "A": named("x") }), &json!({ "B": named("x") }), &[]);
    assert_eq!(moved.conflicts[0].cause, ConflictCause::Deployed("A".to_owned()));
    let doubled = changes(&json!({}), &json!({ "A": named("x"), "B": named("x"), "C": named("y") }), &[]);
    assert_eq!(doubled.conflicts[0].cause, ConflictCause::Duplicate("A".to_owned()));
    assert_eq!(ids(&doubled), (vec!["B"], vec!["A", "C"]));
    let other_type =
        changes(&json!({ "A": service(&json!({ "ServiceName": "x" })) }), &json!({ "B": named("x") }), &[]);
    assert_eq!(ids(&other_type), (vec![], vec!["B"]));
    let mut conditional = named("x");
    conditional["Condition"] = "C".into();
    assert_eq!(ids(&changes(&json!({ "A": named("x") }), &json!({ "B": conditional }), &[])), (vec![], vec![]));
}
