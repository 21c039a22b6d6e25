//! How diff handles that GetTemplate returns `?` for non-ASCII characters, as users of the CDK have reported.

use std::collections::BTreeMap;
use std::sync::Arc;

use ecsws::stack::diff::Impact;
use ecsws::stack::{Template, parse_template};
use ecsws::testing::ops::{DiffInputs, ReadCache, StackDiff, TemporaryChangeSets, compare};

use crate::common::text_of;
use crate::scripted::{aws_error, scripted};

const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/web/1";

/// CloudFormation's response to a change set.
#[derive(Clone, Copy)]
enum ChangeSet {
    NoChanges,
    /// A change of this property in the template itself.
    Changes(&'static str),
    Refused,
}

fn template(description: &str, name: &str, output: &str) -> String {
    format!(
        "Description: '{description}'\nResources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: '{name}'\n      \
         DelaySeconds: 1\nOutputs:\n  O:\n    Value: '{output}'\n"
    )
}

async fn compared(deployed: String, desired: &str, change_set: Option<ChangeSet>) -> StackDiff {
    let aws = scripted(move |action, _| {
        let id = "<ChangeSetId>cs</ChangeSetId>";
        Ok(match (action, change_set) {
            ("DescribeStacks", _) => format!(
                "<Stacks><member><StackName>web</StackName><StackId>{STACK}</StackId><StackStatus>UPDATE_COMPLETE</StackStatus>\
                 <CreationTime>2026-01-01T00:00:00Z</CreationTime></member></Stacks>"
            ),
            ("GetTemplate", _) => format!("<TemplateBody>{deployed}</TemplateBody>"),
            ("CreateChangeSet", Some(ChangeSet::Refused)) => return Err(aws_error("ValidationError", "no".to_owned())),
            ("CreateChangeSet", Some(_)) => "<Id>cs</Id>".to_owned(),
            ("DescribeChangeSet", Some(ChangeSet::NoChanges)) => format!(
                "{id}<Status>FAILED</Status><StatusReason>The submitted information didn't contain changes. Submit different \
                 information to create a change set.</StatusReason>"
            ),
            ("DescribeChangeSet", Some(ChangeSet::Changes(property))) => format!(
                "{id}<Status>CREATE_COMPLETE</Status><Changes><member><ResourceChange><Action>Modify</Action>\
                 <LogicalResourceId>Q</LogicalResourceId><Replacement>True</Replacement><Details><member><Target>\
                 <Attribute>Properties</Attribute><Name>{property}</Name><RequiresRecreation>Always</RequiresRecreation></Target>\
                 <ChangeSource>DirectModification</ChangeSource></member></Details></ResourceChange></member></Changes>"
            ),
            ("DeleteChangeSet" | "ListStackResources", _) => String::new(),
            (other, _) => return Err(aws_error("NotImplemented", other.to_owned())),
        })
    })
    .await;
    let template: Template = parse_template(desired).expect("a template");
    let desired =
        DiffInputs { stack: "web", service_key: None, template: &template, tags: &[], parameters: &BTreeMap::new() };
    let change_sets =
        TemporaryChangeSets { machine: 1, process: 1, is_running: |_| false, now: jiff::Timestamp::UNIX_EPOCH };
    compare(&ReadCache::new(Arc::new(aws)), &desired, change_set.map(|_| &change_sets))
        .await
        .expect("the comparison succeeds")
}

#[tokio::test]
async fn a_string_is_equal_if_the_change_set_has_no_changes() {
    let same =
        compared(template("??", "??????", "?"), &template("да", "привет", "é"), Some(ChangeSet::NoChanges)).await;
    assert!(same.diff.is_empty() && same.notes.is_empty(), "{:?} {:?}", same.diff, same.notes);
}

#[tokio::test]
async fn a_changed_string_is_shown() {
    let changes = Some(ChangeSet::Changes("QueueName"));
    let different = compared(template("a", "??????", "b"), &template("a", "привет", "b"), changes).await;
    assert_eq!(different.diff.resources.len(), 1);
    assert!(different.notes.is_empty(), "{:?}", different.notes);
}

#[tokio::test]
async fn without_a_change_set_a_string_with_question_marks_is_incomparable() {
    for change_set in [None, Some(ChangeSet::Refused)] {
        let unknown = compared(template("a", "??????", "b"), &template("a", "привет", "b"), change_set).await;
        assert!(unknown.diff.resources.is_empty() && !unknown.diff.is_empty(), "{:?}", unknown.diff);
        let is_noted = unknown.notes.iter().any(|note| text_of(note).contains("Q.QueueName cannot be compared"));
        assert!(is_noted, "{:?}", unknown.notes);
    }
}

#[tokio::test]
async fn a_change_to_a_question_mark_is_not_overlooked() {
    let hidden =
        compared(template("a", "what?", "b"), &template("a", "what?", "b"), Some(ChangeSet::Changes("QueueName")))
            .await;
    assert_eq!(hidden.diff.resources.len(), 1, "the deployed name may be `whaté`");
    assert_eq!((hidden.diff.resources[0].impact, hidden.diff.after_resources.len()), (Impact::Replace, 0));
    let notes: Vec<String> = hidden.notes.iter().map(text_of).collect();
    assert!(notes.iter().any(|note| note.contains("the change of Q.QueueName cannot be shown")), "{notes:?}");
    let known = compared(template("a", "what", "b"), &template("a", "what", "b"), None).await;
    assert!(known.diff.is_empty());
}

#[tokio::test]
async fn other_differences_are_still_shown() {
    let desired = template("a", "привет", "b").replace("DelaySeconds: 1", "DelaySeconds: 2");
    let different = compared(template("a", "??????", "b"), &desired, Some(ChangeSet::Changes("DelaySeconds"))).await;
    let names: Vec<&str> =
        different.diff.resources[0].properties.iter().map(|property| property.name.as_str()).collect();
    assert_eq!(names, ["DelaySeconds"]);
}
