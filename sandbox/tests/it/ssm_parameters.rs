//! Systems Manager's parameters, Cloud Map and managed policies in the sandbox.

use serde_json::{Value, json};

use crate::in_process::InProcess;

#[tokio::test]
async fn parameters_keep_their_older_versions() {
    let aws = InProcess::new();
    for value in ["one", "two", "three"] {
        let put = json!({ "Name": "/web/url", "Type": "String", "Value": value, "Overwrite": value != "one" });
        aws.call("ssm", "PutParameter", put).await;
    }
    let get = async |name: &str| aws.call("ssm", "GetParameter", json!({ "Name": name })).await["Parameter"].clone();
    assert_eq!(get("/web/url").await["Value"], "three");
    assert_eq!(get("/web/url:1").await["Value"], "one");
    assert_eq!(get("/web/url:2").await["Selector"], ":2");
    assert_eq!(get("arn:aws:ssm:us-east-1:123456789012:parameter/web/url").await["Version"], 3);
    let (code, message) = aws.refusal("ssm", "GetParameter", json!({ "Name": "/web/url:9" })).await;
    assert_eq!(code, "ParameterVersionNotFound");
    assert_eq!(message, "Systems Manager could not find version 9 of /web/url. Verify the version and try again.");
    let (code, message) = aws.refusal("ssm", "GetParameter", json!({ "Name": "/web/url:prod" })).await;
    assert_eq!(code, "ParameterVersionNotFound");
    assert_eq!(message, "Systems Manager could not find the label prod of /web/url. Verify the label and try again.");
    let secret = json!({ "Name": "/web/key", "Type": "SecureString", "Value": "hidden" });
    aws.call("ssm", "PutParameter", secret).await;
    assert_ne!(get("/web/key").await["Value"], "hidden");
    let below = json!({ "Path": "/web", "WithDecryption": true, "ParameterFilters": [{ "Key": "Type", "Values": ["SecureString"] }] });
    assert_eq!(aws.call("ssm", "GetParametersByPath", below).await["Parameters"][0]["Value"], "hidden");
}

#[tokio::test]
async fn instances_are_discovered_by_health_and_parameters() {
    let aws = InProcess::new();
    let service = "servicediscovery";
    let started = aws.call(service, "CreateHttpNamespace", json!({ "Name": "shop" })).await;
    let operation = aws.call(service, "GetOperation", json!({ "OperationId": started["OperationId"] })).await;
    let namespace = &operation["Operation"]["Targets"]["NAMESPACE"];
    let create =
        json!({ "Name": "web", "NamespaceId": namespace, "HealthCheckCustomConfig": { "FailureThreshold": 1 } });
    let created = aws.call(service, "CreateService", create).await["Service"].clone();
    assert_eq!(created["Type"], "HTTP");
    for (id, zone) in [("one", "a"), ("two", "b")] {
        let attributes = json!({ "zone": zone });
        let register =
            json!({ "ServiceId": created["Id"], "InstanceId": id, "CreatorRequestId": zone, "Attributes": attributes });
        aws.call(service, "RegisterInstance", register).await;
        let instance = json!({ "ServiceId": created["Id"], "InstanceId": id });
        let instance = aws.call(service, "GetInstance", instance).await["Instance"].clone();
        assert_eq!(instance, json!({ "Id": id, "CreatorRequestId": zone, "Attributes": attributes }));
    }
    let names = json!({ "NamespaceName": "shop", "ServiceName": "web" });
    let before = aws.call(service, "DiscoverInstancesRevision", names.clone()).await["InstancesRevision"].clone();
    let sick = json!({ "ServiceId": created["Id"], "InstanceId": "one", "Status": "UNHEALTHY" });
    aws.call(service, "UpdateInstanceCustomHealthStatus", sick).await;
    let discovered = aws.call(service, "DiscoverInstances", names.clone()).await;
    assert_eq!(
        (discovered["Instances"].as_array().map(Vec::len), &discovered["Instances"][0]["InstanceId"]),
        (Some(1), &json!("two"))
    );
    assert!(discovered["InstancesRevision"].as_i64() > before.as_i64());
    let mut by_zone = names;
    by_zone["QueryParameters"] = json!({ "zone": "a" });
    by_zone["HealthStatus"] = "ALL".into();
    assert_eq!(aws.call(service, "DiscoverInstances", by_zone).await["Instances"][0]["InstanceId"], "one");
    let health = aws.call(service, "GetInstancesHealthStatus", json!({ "ServiceId": created["Id"] })).await;
    assert_eq!(health["Status"], json!({ "one": "UNHEALTHY", "two": "HEALTHY" }));
}

#[tokio::test]
async fn managed_policies_have_versions_and_unique_names() {
    let aws = InProcess::new();
    let document = |action: &str| {
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": action, "Resource": "*" }] })
            .to_string()
    };
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "ecs-tasks.amazonaws.com" },
    }] });
    aws.call("iam", "CreateRole", json!({ "RoleName": "task", "AssumeRolePolicyDocument": trust.to_string() })).await;
    let created =
        aws.call("iam", "CreatePolicy", json!({ "PolicyName": "read", "PolicyDocument": document("s3:Get*") })).await;
    let arn = &created["Policy"]["Arn"];
    let attach = |arn: &serde_json::Value| json!({ "RoleName": "task", "PolicyArn": arn });
    aws.call("iam", "AttachRolePolicy", attach(arn)).await;
    let execution = json!("arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy");
    aws.call("iam", "AttachRolePolicy", attach(&execution)).await;
    let (code, message) =
        aws.refusal("iam", "AttachRolePolicy", attach(&json!("arn:aws:iam::aws:policy/AmazonEcsNothing"))).await;
    assert_eq!(code, "NoSuchEntity");
    assert_eq!(message, "Policy arn:aws:iam::aws:policy/AmazonEcsNothing does not exist or is not attachable.");
    let (_, message) = aws.refusal("iam", "AttachRolePolicy", attach(&json!("read-and-write-everything"))).await;
    assert_eq!(message, "ARN read-and-write-everything is not valid.");
    for action in ["s3:List*", "s3:Put*", "s3:Delete*", "s3:*"] {
        let next = json!({ "PolicyArn": arn, "PolicyDocument": document(action), "SetAsDefault": true });
        aws.call("iam", "CreatePolicyVersion", next).await;
    }
    let one_more = json!({ "PolicyArn": arn, "PolicyDocument": document("*") });
    assert_eq!(aws.refusal("iam", "CreatePolicyVersion", one_more).await.0, "LimitExceeded");
    let (_, message) = aws.refusal("iam", "DeletePolicy", json!({ "PolicyArn": arn })).await;
    assert_eq!(message, "Cannot delete a policy attached to entities.");
    let policy = aws.call("iam", "GetPolicy", json!({ "PolicyArn": arn })).await["Policy"].clone();
    assert_eq!((&policy["DefaultVersionId"], &policy["AttachmentCount"]), (&json!("v5"), &json!(1)));
}

#[tokio::test]
async fn a_leading_slash_makes_no_difference_to_a_top_level_parameter() {
    let aws = InProcess::new();
    for stored in ["plain", "/slashed"] {
        let bare = stored.trim_start_matches('/');
        let slashed = format!("/{bare}");
        let put = |name: &str| json!({ "Name": name, "Type": "String", "Value": "one" });
        aws.call("ssm", "PutParameter", put(stored)).await;
        for name in [bare, &slashed] {
            let parameter = aws.call("ssm", "GetParameter", json!({ "Name": name })).await["Parameter"].clone();
            assert_eq!(parameter["Name"], name);
            assert_eq!(parameter["ARN"], format!("arn:aws:ssm:us-east-1:123456789012:parameter/{bare}"));
            let response = aws.call("ssm", "GetParameters", json!({ "Names": [name] })).await;
            assert_eq!(response["Parameters"][0]["Name"], name);
            assert_eq!(aws.refusal("ssm", "PutParameter", put(name)).await.0, "ParameterAlreadyExists");
            let resource = json!({ "ResourceType": "Parameter", "ResourceId": name });
            let mut tags = resource.clone();
            tags["Tags"] = json!([{ "Key": format!("by {name}"), "Value": "" }]);
            aws.call("ssm", "AddTagsToResource", tags).await;
        }
        let both = aws.call("ssm", "GetParameters", json!({ "Names": [bare, slashed, "none"] })).await;
        assert_eq!(both["Parameters"].as_array().map(Vec::len), Some(1));
        assert_eq!(both["InvalidParameters"], json!(["none"]));
        let tags = json!({ "ResourceType": "Parameter", "ResourceId": slashed });
        let tags = aws.call("ssm", "ListTagsForResource", tags).await;
        assert_eq!(tags["TagList"].as_array().map(Vec::len), Some(2));
        let other = if stored == bare { &slashed } else { bare };
        aws.call("ssm", "DeleteParameter", json!({ "Name": other })).await;
        aws.call("ssm", "PutParameter", put(stored)).await;
        let deleted = aws.call("ssm", "DeleteParameters", json!({ "Names": [other] })).await;
        assert_eq!(deleted["DeletedParameters"], json!([stored]));
    }
}

#[tokio::test]
async fn values_must_match_the_allowed_pattern_of_their_parameter() {
    let aws = InProcess::new();
    let put = |value: &str, more: Value| {
        let mut input = json!({ "Name": "year", "Type": "String", "Value": value });
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        input
    };
    let pattern = json!({ "AllowedPattern": r"\d{1,4}" });
    let words = r"Parameter value, cannot be validated against allowedPattern: \d{1,4}";
    let refused = aws.refusal("ssm", "PutParameter", put("2020s", pattern.clone())).await;
    assert_eq!(refused, ("ParameterPatternMismatchException".to_owned(), words.to_owned()));
    aws.call("ssm", "PutParameter", put("2020", pattern.clone())).await;
    let described = aws.call("ssm", "DescribeParameters", json!({})).await;
    assert_eq!(described["Parameters"][0]["AllowedPattern"], pattern["AllowedPattern"]);
    let overwrite = json!({ "Overwrite": true });
    assert_eq!(aws.refusal("ssm", "PutParameter", put("20210", overwrite.clone())).await.1, words);
    aws.call("ssm", "PutParameter", put("2021", overwrite)).await;
    let wrong = json!({ "Overwrite": true, "AllowedPattern": "(" });
    assert_eq!(aws.refusal("ssm", "PutParameter", put("2022", wrong)).await.0, "InvalidAllowedPatternException");
}

#[tokio::test]
async fn public_parameters_are_listed_below_their_own_path_only() {
    let aws = InProcess::new();
    aws.call("ssm", "PutParameter", json!({ "Name": "/mine", "Type": "String", "Value": "v" })).await;
    let below = |path: &str| json!({ "Path": path, "Recursive": true });
    let all = aws.call("ssm", "GetParametersByPath", below("/")).await;
    assert_eq!(all["Parameters"].as_array().map(Vec::len), Some(1), "{all}");
    for path in ["/aws/service", "/aws/service/ecs/optimized-ami/amazon-linux-2/"] {
        let public = aws.call("ssm", "GetParametersByPath", below(path)).await;
        assert!(public["Parameters"].as_array().is_some_and(|all| !all.is_empty()), "{path}: {public}");
    }
    for (operation, input, names) in [
        ("GetParametersByPath", below("/aws/service/global-infrastructure"), "/aws/service/global-infrastructure"),
        ("GetParametersByPath", below("/aws"), "/aws"),
        ("GetParameter", json!({ "Name": "/aws/service/bottlerocket/x" }), "/aws/service/bottlerocket/x"),
        ("GetParameters", json!({ "Names": ["/mine", "/aws/service/eks/x"] }), "/aws/service/eks/x"),
    ] {
        let (code, message) = aws.refusal("ssm", operation, input).await;
        assert!(code == "NotImplemented" && message.ends_with(names), "{operation}: {message}");
    }
}

#[tokio::test]
async fn a_secret_is_read_as_a_parameter() {
    let aws = InProcess::new();
    let created = aws.call("secretsmanager", "CreateSecret", json!({ "Name": "db/key", "SecretString": "one" })).await;
    let two = json!({ "SecretId": "db/key", "SecretString": "two" });
    aws.call("secretsmanager", "PutSecretValue", two).await;
    let get = |name: &str| json!({ "Name": name, "WithDecryption": true });
    let name = "/aws/reference/secretsmanager/db/key";
    let first = created["VersionId"].as_str().expect("a version");
    for (selector, value) in [(String::new(), "two"), (":AWSPREVIOUS".to_owned(), "one"), (format!(":{first}"), "one")]
    {
        let parameter = aws.call("ssm", "GetParameter", get(&format!("{name}{selector}"))).await["Parameter"].clone();
        assert_eq!(
            (&parameter["Value"], &parameter["Type"], &parameter["Version"]),
            (&value.into(), &"SecureString".into(), &0.into())
        );
        let source = parameter["SourceResult"].as_str().expect("what Secrets Manager says");
        let source: serde_json::Value = serde_json::from_str(source).expect("JSON");
        assert_eq!((&source["ARN"], &source["name"]), (&created["ARN"], &"db/key".into()));
        assert_eq!(parameter["Name"], name);
    }
    let several = json!({ "Names": [name, "/aws/reference/secretsmanager/none"], "WithDecryption": true });
    let several = aws.call("ssm", "GetParameters", several).await;
    assert_eq!(several["Parameters"][0]["Value"], "two");
    assert_eq!(several["InvalidParameters"], json!(["/aws/reference/secretsmanager/none"]));
    let (code, message) = aws.refusal("ssm", "GetParameter", json!({ "Name": name })).await;
    assert_eq!(code, "ValidationException");
    assert_eq!(message, "WithDecryption flag must be True for retrieving a Secret Manager secret.");
    let none = aws.refusal("ssm", "GetParameter", get("/aws/reference/secretsmanager/none")).await;
    assert_eq!(none.0, "ParameterNotFound");
    assert!(none.1.ends_with("Secret /aws/reference/secretsmanager/none not found."), "{}", none.1);
}

#[tokio::test]
async fn invalid_names_and_filters_of_parameters_are_refused_with_awss_messages() {
    let aws = InProcess::new();
    aws.call("ssm", "PutParameter", json!({ "Name": "foo", "Type": "String", "Value": "v" })).await;
    assert_eq!(aws.refusal("ssm", "GetParameter", json!({ "Name": "foo:2:3" })).await.0, "ParameterNotFound");
    let reserved = "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).";
    for (name, words) in [
        ("ssm_test", reserved),
        ("SSM_TEST", reserved),
        ("aws_test", reserved),
        ("/aws_test", reserved),
        (
            "/ssm_test/path/to/var",
            "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path",
        ),
        ("/AWS/PATH", "No access to reserved parameter name: /AWS/PATH."),
    ] {
        let (_, message) =
            aws.refusal("ssm", "PutParameter", json!({ "Name": name, "Type": "String", "Value": "v" })).await;
        assert!(message.starts_with(words), "{name}: {message}");
    }
    let no_path = "The parameter doesn't meet the parameter name requirements. The parameter name must begin with";
    for (filter, words) in [
        (json!({ "Key": "Path", "Values": ["test"] }), no_path),
        (json!({ "Key": "Path", "Values": ["//"] }), no_path),
        (json!({ "Key": "Path", "Values": ["/###"] }), no_path),
        (json!({ "Key": "Path", "Values": ["/aws"] }), "Filters for common parameters can't be prefixed with \"aws\""),
        (json!({ "Key": "Path", "Values": ["/SSM"] }), "Filters for common parameters can't be prefixed with \"aws\""),
        (
            json!({ "Key": "Type", "Values": ["test"] }),
            "The following filter value is not valid: test. Valid values include: [String, StringList, SecureString].",
        ),
        (
            json!({ "Key": "Tier", "Values": ["test"] }),
            "The following filter value is not valid: test. Valid values include: [Standard, Advanced, Intelligent-Tiering].",
        ),
        (
            json!({ "Key": "Name", "Option": "option", "Values": ["test"] }),
            "The following filter option is not valid: option. Valid options include: [BeginsWith, Equals].",
        ),
    ] {
        let (_, message) = aws.refusal("ssm", "DescribeParameters", json!({ "ParameterFilters": [filter] })).await;
        assert!(message.starts_with(words), "{message}");
    }
}

/// As LocalStack's test_put_parameters and test_hierarchical_parameter assert of AWS.
#[tokio::test]
async fn a_parameter_is_named_as_in_the_request_and_a_malformed_name_is_refused() {
    let aws = InProcess::new();
    for name in ["top", "/a/b/c"] {
        aws.call("ssm", "PutParameter", json!({ "Name": name, "Value": "1", "Type": "String" })).await;
    }
    for name in ["top", "/top"] {
        let parameter = aws.call("ssm", "GetParameter", json!({ "Name": name })).await;
        assert_eq!(parameter["Parameter"]["Name"], name);
    }
    let arn = "arn:aws:ssm:us-east-1:123456789012:parameter/top";
    let parameter = aws.call("ssm", "GetParameter", json!({ "Name": arn })).await;
    assert_eq!(parameter["Parameter"]["Name"], "top");
    for name in ["/a//b//c", "a/b/c"] {
        let (code, message) = aws.refusal("ssm", "GetParameter", json!({ "Name": name })).await;
        assert_eq!(code, "ValidationException");
        assert!(message.contains("sub-paths divided by slash symbol"), "{message}");
    }
}
