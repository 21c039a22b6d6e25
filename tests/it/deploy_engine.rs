//! The deploy engine as a library: its questions, and cancellation while one of them is open.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ecsws::stack::{ProjectStack, Spec, Template, parse_template, stacks};
use ecsws::testing::ops::{
    self, DeployMethod, DeployRequest, Message, OpsError, Question, ReadCache, StackInputs, StackOutcome,
    TemplateSource, TemporaryChangeSets, Timeout,
};
use tokio_util::sync::CancellationToken;

use crate::scripted::{aws_error, scripted};

const SPEC: &str = "[platform]\ncluster = \"demo\"\nsubnets = [\"subnet-0bb00000000000001\"]\nsecurity_group = \"sg-0bb00000000000001\"\n\
                    [services.web]\nstack = \"web\"\ncpu = 256\nmemory = 512\n[services.web.container]\nimage = \"nginx\"\n";

/// A source with the same template for every stack.
struct OneTemplate;

impl TemplateSource for OneTemplate {
    type Error = OpsError;

    async fn template(&self, _stack: &ProjectStack) -> Result<Template, OpsError> {
        Ok(parse_template(r#"{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}"#).expect("a template"))
    }

    async fn preview(&self, stack: &ProjectStack) -> Result<Template, OpsError> {
        self.template(stack).await
    }
}

/// Deploys a stack with the given status. `answer` answers questions and may cancel the deploy. Returns the outcome and the names of all
/// operations other than DescribeStacks that were called.
async fn deploy(
    status: Option<&'static str>,
    answer: impl Fn(&Question, &CancellationToken) -> bool,
) -> (StackOutcome<OpsError>, Vec<String>) {
    let calls: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&calls);
    let aws = scripted(move |action, _| match (action, status) {
        ("DescribeStacks", Some(status)) => Ok(format!(
            "<Stacks><member><StackName>web</StackName><StackId>arn:aws:cloudformation:us-east-1:123456789012:stack/web/1</StackId>\
             <StackStatus>{status}</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime></member></Stacks>"
        )),
        ("DescribeStacks", None) => Err(aws_error("ValidationError", "Stack with id web does not exist".to_owned())),
        _ => {
            log.lock().expect("no test has panicked").push(action.to_owned());
            Err(aws_error("AccessDenied", action.to_owned()))
        }
    })
    .await;
    let (spec, _) = Spec::parse(SPEC).expect("a spec");
    let project_stacks = stacks(&spec);
    let inputs: Vec<StackInputs<'_>> = project_stacks
        .iter()
        .map(|stack| StackInputs {
            stack,
            tags: Vec::new(),
            parameters: BTreeMap::new(),
            required_parameters: Vec::new(),
        })
        .collect();
    let temporary_change_sets =
        TemporaryChangeSets { machine: 1, process: 1, is_running: |_| true, now: jiff::Timestamp::UNIX_EPOCH };
    let request = DeployRequest {
        temporary_change_sets,
        cancel_running: false,
        skipped_resources: &[],
        spec: &spec,
        stacks: &inputs,
        method: DeployMethod::ChangeSet,
        role_arn: None,
        notification_arns: &[],
        force: false,
        preflight: false,
        no_rollback: false,
        timeout: Timeout { duration: None, delete_creation: false },
        wait_for_services: true,
        warn_of_costs: false,
        concurrency: 1,
    };
    let (reporter, mut messages) = ops::message_channel();
    let cancellation = CancellationToken::new();
    let reads = ReadCache::new(Arc::new(aws));
    let work = ops::deploy(&reads, &request, &OneTemplate, reporter, &cancellation);
    let answers = async {
        while let Some(message) = messages.recv().await {
            if let Message::Question(question, reply) = message {
                reply.send(Ok(answer(&question, &cancellation))).expect("the deploy waits");
            }
        }
    };
    let (mut outcomes, ()) = tokio::join!(work, answers);
    let calls = calls.lock().expect("no test has panicked").clone();
    (outcomes.remove(0), calls)
}

#[tokio::test]
async fn a_declined_creation_is_not_approved_and_changes_nothing() {
    let (outcome, calls) = deploy(None, |question, _| {
        assert!(matches!(question, Question::CreateStack { replaces_failed_creation: false, .. }), "{question:?}");
        false
    })
    .await;
    assert!(matches!(outcome, StackOutcome::NotApproved(_)), "{outcome:?}");
    assert_eq!(calls, [] as [&str; 0]);
}

#[tokio::test]
async fn a_deploy_that_is_cancelled_while_a_question_is_open_changes_nothing() {
    for status in [None, Some("ROLLBACK_COMPLETE"), Some("UPDATE_FAILED")] {
        let (outcome, calls) = deploy(status, |_, cancellation| {
            cancellation.cancel();
            true
        })
        .await;
        let StackOutcome::Failed(error) = outcome else { panic!("{status:?}: {outcome:?}") };
        assert!(matches!(error, OpsError::Interrupted { .. }), "{status:?}: {error}");
        assert_eq!(calls, [] as [&str; 0], "{status:?}");
    }
}
