//! Change sets of several stacks, against a CloudFormation that searches all stacks for a change set's name, like moto.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ecsws::testing::aws::Aws;
use ecsws::testing::model::{Stack, StackRequest};
use ecsws::testing::ops;

use crate::scripted::{Answer, Parameters, aws_error, scripted};

/// Stack names by change set ARN. Every stack is `REVIEW_IN_PROGRESS`.
type ChangeSets = Arc<Mutex<BTreeMap<String, String>>>;

fn answer(change_sets: &mut BTreeMap<String, String>, action: &str, parameters: &Parameters) -> Answer {
    let id = |stack: &str| format!("arn:aws:cloudformation:us-east-1:123456789012:stack/{stack}/1");
    let describe = |arn: &str, stack: &str| {
        format!(
            "<ChangeSetId>{arn}</ChangeSetId><StackName>{stack}</StackName><StackId>{}</StackId>\
             <Status>CREATE_COMPLETE</Status><ExecutionStatus>AVAILABLE</ExecutionStatus>",
            id(stack)
        )
    };
    let stack = parameters.get("StackName").map(String::as_str).unwrap_or_default();
    let name = parameters.get("ChangeSetName").map(String::as_str).unwrap_or_default();
    Ok(match action {
        "CreateChangeSet" => {
            let arn = format!("arn:aws:cloudformation:us-east-1:123456789012:changeSet/{name}/{}", change_sets.len());
            change_sets.insert(arn.clone(), stack.to_owned());
            format!("<Id>{arn}</Id>")
        }
        "DescribeChangeSet" => {
            let found = change_sets.iter().find(|(arn, _)| *arn == name || arn.contains(&format!("/{name}/")));
            let (arn, stack) = found.ok_or_else(|| aws_error("ChangeSetNotFound", String::new()))?;
            describe(arn, stack)
        }
        "DeleteChangeSet" => match change_sets.remove(name) {
            Some(_) => String::new(),
            None => return Err(aws_error("InternalFailure", "UnboundLocalError".to_owned())),
        },
        "ListChangeSets" => {
            let members = change_sets.iter().map(|(arn, stack)| format!("<member>{}</member>", describe(arn, stack)));
            format!("<Summaries>{}</Summaries>", members.collect::<String>())
        }
        "DescribeStacks" => {
            let name = stack.split('/').nth(1).unwrap_or(stack);
            format!(
                "<Stacks><member><StackName>{name}</StackName><StackId>{}</StackId>\
                 <StackStatus>REVIEW_IN_PROGRESS</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime></member></Stacks>",
                id(name)
            )
        }
        "DeleteStack" => {
            change_sets.insert(format!("deleted {stack}"), String::new());
            String::new()
        }
        other => return Err(aws_error("NotImplemented", other.to_owned())),
    })
}

async fn cloudformation() -> (ChangeSets, Aws) {
    let change_sets = ChangeSets::default();
    let shared = Arc::clone(&change_sets);
    let aws = scripted(move |action, parameters| {
        answer(&mut shared.lock().expect("no test has panicked"), action, parameters)
    });
    (change_sets, aws.await)
}

async fn prepare(aws: &Aws, stack: &str) -> Box<ops::PreparedChangeSet> {
    let request = StackRequest {
        stack,
        template: "{}",
        tags: &[],
        parameters: &[],
        capabilities: &[],
        role_arn: None,
        notification_arns: None,
    };
    let prepared = ops::prepare_change_set(aws, &request, "ecsws-deploy", None::<&Stack>).await.expect("a change set");
    prepared.unwrap_or_else(|| panic!("{stack} has changes"))
}

#[tokio::test]
async fn a_change_set_of_the_same_name_in_another_stack_is_not_deleted() {
    let (change_sets, aws) = cloudformation().await;
    let (first, second) = (prepare(&aws, "first").await, prepare(&aws, "second").await);
    let arns = |all: &ChangeSets| all.lock().expect("no test has panicked").keys().cloned().collect::<Vec<_>>();
    assert_eq!(arns(&change_sets), [first.change_set.arn.as_str(), second.change_set.arn.as_str()]);

    second.discard(&aws).await.expect("the deletion succeeds");
    let deleted = format!("deleted {}", second.stack.arn);
    assert_eq!(arns(&change_sets), [first.change_set.arn.as_str(), deleted.as_str()]);
}
