//! SNS topics in the sandbox, and the two resource types that stand for a topic and a secret.

use serde_json::{Value, json};

use crate::inside::Inside;
use crate::local_aws::LocalAws;

const ARN: &str = "arn:aws:sns:us-east-1:123456789012:news";

fn attribute<'a>(answer: &'a Value, name: &str) -> Option<&'a str> {
    answer["Attributes"][name].as_str()
}

#[tokio::test]
async fn a_topic_is_made_once_and_keeps_its_attributes() {
    let aws = Inside::new();
    assert_eq!(aws.call("sns", "CreateTopic", json!({ "Name": "news" })).await, json!({ "TopicArn": ARN }));
    aws.call("sns", "CreateTopic", json!({ "Name": "news" })).await;
    let other = json!({ "Name": "news", "Attributes": { "DisplayName": "News" } });
    assert_eq!(
        aws.refusal("sns", "CreateTopic", other).await.1,
        "Invalid parameter: Attributes Reason: Topic already exists with different attributes"
    );
    let set = json!({ "TopicArn": ARN, "AttributeName": "DisplayName", "AttributeValue": "News" });
    aws.call("sns", "SetTopicAttributes", set).await;
    let answer = aws.call("sns", "GetTopicAttributes", json!({ "TopicArn": ARN })).await;
    assert_eq!(attribute(&answer, "DisplayName"), Some("News"));
    assert_eq!(attribute(&answer, "FifoTopic"), None);
    aws.call("sns", "DeleteTopic", json!({ "TopicArn": ARN })).await;
    assert_eq!(
        aws.refusal("sns", "GetTopicAttributes", json!({ "TopicArn": ARN })).await,
        ("NotFound".to_owned(), "Topic does not exist".to_owned())
    );
}

#[tokio::test]
async fn booleans_of_a_topic_are_taken_in_any_case() {
    let aws = Inside::new();
    let topic = |fifo: &str, deduplicates: &str| json!({ "Name": "n.fifo", "Attributes": { "FifoTopic": fifo, "ContentBasedDeduplication": deduplicates } });
    let made = aws.call("sns", "CreateTopic", topic("True", "False")).await;
    assert_eq!(aws.call("sns", "CreateTopic", topic("true", "false")).await, made);
    let set =
        json!({ "TopicArn": made["TopicArn"], "AttributeName": "ContentBasedDeduplication", "AttributeValue": "True" });
    aws.call("sns", "SetTopicAttributes", set).await;
    let answer = aws.call("sns", "GetTopicAttributes", json!({ "TopicArn": made["TopicArn"] })).await;
    for name in ["FifoTopic", "ContentBasedDeduplication"] {
        assert_eq!(attribute(&answer, name), Some("true"), "{name}");
    }
}

#[tokio::test]
async fn a_stack_makes_a_topic_and_a_secret_with_a_generated_password() {
    let aws = LocalAws::start().await;
    let cloudformation = aws.cloudformation();
    let template = |display: &str| {
        json!({
            "Resources": {
                "Topic": { "Type": "AWS::SNS::Topic", "Properties": { "DisplayName": display } },
                "Secret": { "Type": "AWS::SecretsManager::Secret", "Properties": { "GenerateSecretString": {
                    "SecretStringTemplate": "{\"username\":\"admin\"}", "GenerateStringKey": "password", "ExcludePunctuation": true,
                } } },
            },
            "Outputs": {
                "TopicName": { "Value": { "Fn::GetAtt": ["Topic", "TopicName"] } },
                "Secret": { "Value": { "Ref": "Secret" } },
            },
        })
        .to_string()
    };
    cloudformation.create_stack().stack_name("alerts").template_body(template("one")).send().await.expect("a stack");
    let outputs = async |status: &str| loop {
        let stacks = cloudformation.describe_stacks().stack_name("alerts").send().await.expect("the stack");
        let stack = &stacks.stacks()[0];
        let now = stack.stack_status().expect("a status").as_str().to_owned();
        assert!(!now.contains("ROLLBACK") && !now.contains("FAILED"), "{now}");
        if now == status {
            break stack
                .outputs()
                .iter()
                .map(|one| one.output_value().unwrap_or_default().to_owned())
                .collect::<Vec<_>>();
        }
    };
    let made = outputs("CREATE_COMPLETE").await;
    assert!(made.iter().any(|value| value.starts_with("alerts-Topic-")), "{made:?}");
    assert!(made.iter().any(|value| value.contains(":secret:Secret-")), "{made:?}");
    cloudformation
        .update_stack()
        .stack_name("alerts")
        .template_body(template("two"))
        .send()
        .await
        .expect("it is taken");
    assert_eq!(outputs("UPDATE_COMPLETE").await, made);
    cloudformation.delete_stack().stack_name("alerts").send().await.expect("it goes");
}
