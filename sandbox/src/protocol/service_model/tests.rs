//! Inputs are converted and checked as AWS does it, and every type in the models is known.

use serde_json::{Value, json};

use super::{DATA, InputEncoding, Kind, Model, Violation, find, read};

#[test]
fn every_type_in_a_model_is_known() {
    for (service, text) in DATA {
        let model: Model = serde_json::from_str(text).unwrap_or_else(|error| panic!("{service}: {error}"));
        let operations = model.operations.values().flat_map(|row| [row.input.as_ref(), row.output.as_ref()]);
        let mut named: Vec<&str> = operations.flatten().map(String::as_str).collect();
        for shape in model.shapes.values() {
            match &shape.kind {
                Kind::Structure(members) => named.extend(members.values().map(String::as_str)),
                Kind::List(item) => named.push(item),
                Kind::Map(key, value) => named.extend([key.as_str(), value]),
                Kind::Plain(_) => {}
            }
        }
        let missing: Vec<&str> = named.into_iter().filter(|name| model.resolve(name).is_none()).collect();
        assert!(missing.is_empty(), "{service}: {missing:?}");
    }
}

fn violations_of(service: &str, operation: &str, input: Value) -> Vec<Violation> {
    let model = find(service).expect("it has a model");
    read(model, operation, InputEncoding::Typed, input).expect("it has the model's types").violations
}

#[test]
fn violations_of_bounds_patterns_and_enums_have_awss_words() {
    let violations = violations_of("logs", "FilterLogEvents", json!({ "logGroupName": "a", "limit": 10001 }));
    let words =
        "Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000";
    assert_eq!(violations, [Violation::Unsatisfied(words.to_owned())]);
    let violations = violations_of("cloudformation", "CreateStack", json!({ "StackName": "*@da591fa3_$" }));
    let words = "Value '*@da591fa3_$' at 'stackName' failed to satisfy constraint: Member must satisfy regular \
        expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*";
    assert_eq!(violations, [Violation::Unsatisfied(words.to_owned())]);
    let violations = violations_of("ecs", "RunTask", json!({ "taskDefinition": "web", "launchType": "MOON" }));
    let Violation::Unsatisfied(words) = &violations[0] else { panic!("{violations:?}") };
    assert!(words.starts_with("Value 'MOON' at 'launchType'") && words.contains("enum value set: [EC2, FARGATE,"));
}

#[test]
fn some_violations_do_not_repeat_the_value() {
    let violations = violations_of("logs", "FilterLogEvents", json!({ "logGroupIdentifier": "arn:*" }));
    let words = "Value at 'logGroupIdentifier' failed to satisfy constraint: Member must satisfy regular expression \
        pattern: [\\w#+=/:,.@-]*";
    assert_eq!(violations, [Violation::Unsatisfied(words.to_owned())]);
}

#[test]
fn a_missing_member_has_its_path() {
    let violations =
        violations_of("logs", "PutLogEvents", json!({ "logGroupName": "a", "logEvents": [{ "message": "" }] }));
    assert_eq!(violations[0], Violation::Missing("logStreamName".to_owned()));
    assert_eq!(violations[1], Violation::Missing("logEvents.1.member.timestamp".to_owned()));
    let Violation::Unsatisfied(words) = &violations[2] else { panic!("{violations:?}") };
    assert!(words.starts_with("Value '' at 'logEvents.1.member.message' failed"), "{words}");
}

#[test]
fn a_violation_by_a_list_item_is_one_of_the_list() {
    let violations = violations_of("ssm", "GetParameters", json!({ "Names": ["", "x"] }));
    let words = "Value '[, x]' at 'names' failed to satisfy constraint: Member must satisfy constraint: \
        [Member must have length less than or equal to 2048, Member must have length greater than or equal to 1]";
    assert_eq!(violations, [Violation::Unsatisfied(words.to_owned())]);
}

#[test]
fn violations_of_a_value_come_before_those_of_its_parts_also_when_there_are_more_than_ten() {
    let tag = json!({ "Key": "", "Value": "v" });
    let violations = violations_of(
        "cloudformation",
        "CreateStack",
        json!({ "StackName": "*", "Tags": vec![tag; 51], "OnFailure": "" }),
    );
    let paths: Vec<&str> = violations.iter().filter_map(path_of).collect();
    let tags = (1..=7).map(|number| format!("tags.{number}.member.key"));
    let members = ["stackName", "onFailure", "tags"].map(str::to_owned);
    let expected: Vec<String> = members.into_iter().chain(tags).collect();
    assert_eq!(paths, expected);
    // Those of a list's scalars are one of the list.
    let violations = violations_of("ssm", "GetParameters", json!({ "Names": vec![""; 20] }));
    assert_eq!(violations.iter().filter_map(path_of).collect::<Vec<_>>(), ["names", "names"]);
}

/// The path of the member that does not satisfy a constraint.
fn path_of(violation: &Violation) -> Option<&str> {
    let Violation::Unsatisfied(clause) = violation else { return None };
    clause.split("' failed to satisfy").next()?.rsplit('\'').next()
}

#[test]
fn a_service_can_have_its_own_message() {
    let violations = violations_of("iam", "GetRole", json!({ "RoleName": "a b" }));
    let words = "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-";
    assert_eq!(violations, [Violation::Message(words.to_owned())]);
}
