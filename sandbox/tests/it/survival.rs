//! The sandbox after kills, on full disks and with damaged files: it continues, or reports one clear error.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use aws_sdk_cloudwatchlogs::error::ProvideErrorMetadata as _;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use aws_smithy_types::retry::RetryConfig;
use ecsws_sandbox::lifecycle::{self, LifecycleError};
use ecsws_sandbox::testing::Clock;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::common::{program, read};
use crate::local_aws::{Confined, LocalAws};

const LIMIT: Duration = Duration::from_mins(1);

/// A description, and a function that damages a state's bytes.
type Damage<'a> = (&'a str, &'a dyn Fn(&mut Vec<u8>));

fn state(aws: &LocalAws) -> PathBuf {
    aws.folder().join("world.redb")
}

fn open(path: &Path) -> std::fs::File {
    std::fs::OpenOptions::new().read(true).write(true).open(path).expect("the state is there")
}

/// The error of the next start.
async fn start_error(aws: &mut LocalAws) -> String {
    match aws.try_restart().await {
        Err(LifecycleError::UnusableState(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_sandbox_whose_folder_is_deleted_ends() {
    let aws = LocalAws::start().await;
    let mode = std::fs::metadata(state(&aws)).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "what is stored holds secrets");
    let address = aws.config().endpoint_url().expect("a URL").trim_start_matches("http://").to_owned();
    let mut connection = tokio::net::TcpStream::connect(&address).await.expect("it listens");
    std::fs::remove_dir_all(aws.folder()).expect("it is deleted");
    let mut byte = [0];
    let ended = tokio::io::AsyncReadExt::read(&mut connection, &mut byte);
    let ended = tokio::time::timeout(LIMIT, ended).await.expect("it ends in time");
    assert!(!matches!(ended, Ok(1..)), "it has nothing to say");
}

#[tokio::test]
async fn a_damaged_state_is_refused_until_it_is_reset() {
    let mut aws = LocalAws::start().await;
    for number in 0..50 {
        aws.logs().create_log_group().log_group_name(format!("group-{number}")).send().await.expect("a group");
    }
    aws.kill();
    let mut intact = Vec::new();
    open(&state(&aws)).read_to_end(&mut intact).expect("it is read");
    let damages: [Damage<'_>; 4] = [
        ("empty", &Vec::clear),
        ("cut in half", &|bytes| bytes.truncate(bytes.len() / 2)),
        ("something else", &|bytes| *bytes = b"not a database at all\n".repeat(1000)),
        ("other bytes in every page", &|bytes| {
            bytes.iter_mut().skip(8192 + 100).step_by(4096).for_each(|byte| *byte ^= 0xff);
        }),
    ];
    for (what, damage) in damages {
        let mut bytes = intact.clone();
        damage(&mut bytes);
        let mut file = open(&state(&aws));
        file.set_len(0).and_then(|()| file.write_all(&bytes)).expect("it is written");
        let error = start_error(&mut aws).await;
        assert!(error.contains("world.redb") && error.lines().count() == 1, "{what}: {error}");
    }
    lifecycle::reset(&aws.folder()).await.expect("it is reset");
    aws.try_restart().await.expect("it starts");
    assert!(aws.logs().describe_log_groups().send().await.expect("a response").log_groups().is_empty());
}

#[tokio::test]
async fn a_foreign_database_and_another_version_are_refused() {
    let mut aws = LocalAws::start().await;
    aws.kill();
    let meta = redb::TableDefinition::<&str, &str>::new("meta");
    let database = redb::Database::open(state(&aws)).expect("a database");
    let transaction = database.begin_write().expect("a transaction");
    transaction.open_table(meta).expect("the table").insert("version", "99").expect("a row");
    transaction.commit().expect("it is written");
    drop(database);
    assert!(start_error(&mut aws).await.contains("has version 99, and this program reads version 2 only"));

    std::fs::remove_file(state(&aws)).expect("it is removed");
    let database = redb::Database::create(state(&aws)).expect("a database");
    let transaction = database.begin_write().expect("a transaction");
    transaction
        .open_table(redb::TableDefinition::<u64, u64>::new("mine"))
        .expect("a table")
        .insert(1, 2)
        .expect("a row");
    transaction.commit().expect("it is written");
    drop(database);
    assert!(start_error(&mut aws).await.contains("is not the state of a sandbox"));
}

#[tokio::test]
async fn credentials_that_others_could_read_are_replaced_and_links_are_not_followed() {
    let mut aws = LocalAws::start().await;
    let first = aws.endpoint.credentials.access_key_id.clone();
    aws.kill_and_restart().await;
    assert_eq!(aws.endpoint.credentials.access_key_id, first);
    aws.kill();
    let file = aws.folder().join("endpoint.json");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("it is opened up");
    aws.try_restart().await.expect("it starts");
    assert_ne!(aws.endpoint.credentials.access_key_id, first);
    assert_eq!(std::fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    aws.kill();
    let elsewhere = tempfile::tempdir().expect("a folder");
    std::fs::rename(state(&aws), elsewhere.path().join("moved")).expect("it is moved");
    std::os::unix::fs::symlink(elsewhere.path().join("moved"), state(&aws)).expect("a link");
    assert!(matches!(aws.try_restart().await, Err(LifecycleError::Link(path)) if path == state(&aws)));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_a_clear_fault_until_there_is_space() {
    let (confined, endpoint) = Confined::start("ulimit -S -f 16384").await;
    let config = LocalAws::config_of(&endpoint).into_builder().retry_config(RetryConfig::disabled()).build();
    let logs = aws_sdk_cloudwatchlogs::Client::new(&config);
    logs.create_log_group().log_group_name("g").send().await.expect("a group");
    logs.create_log_stream().log_group_name("g").log_stream_name("s").send().await.expect("a stream");
    let put = || {
        let now = Clock::new(1.0).now().as_millisecond();
        let event = InputLogEvent::builder().timestamp(now).message("x".repeat(200_000)).build().expect("an event");
        logs.put_log_events().log_group_name("g").log_stream_name("s").set_log_events(Some(vec![event; 4])).send()
    };
    let mut written = 0;
    let error = loop {
        match put().await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 100, "the disk is not full");
    };
    assert_eq!(error.code(), Some("InternalFailure"));
    assert!(error.message().is_some_and(|message| message.contains("no space left")), "{error:?}");
    assert_eq!(logs.describe_log_groups().send().await.expect("a response").log_groups().len(), 1);

    let pid = confined.id().to_string();
    let freed = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status().expect("prlimit runs");
    assert!(freed.success());
    put().await.expect("there is space again");
    logs.create_log_group().log_group_name("h").send().await.expect("and for rows too");
    let stored = async || logs.describe_log_groups().send().await.expect("a response").log_groups().len();
    assert_eq!(stored().await, 2);
    kill(Pid::from_raw(pid.parse().expect("a number")), Signal::SIGKILL).expect("it is killed");
}

/// The ARNs of the tasks of the service `web` with a desired status.
#[cfg(target_os = "linux")]
async fn tasks(ecs: &aws_sdk_ecs::Client, desired: aws_sdk_ecs::types::DesiredStatus) -> Vec<aws_sdk_ecs::types::Task> {
    let listed = ecs.list_tasks().cluster("c").desired_status(desired).send().await.expect("tasks are listed");
    if listed.task_arns().is_empty() {
        return Vec::new();
    }
    let described = ecs.describe_tasks().cluster("c").set_tasks(listed.task_arns).send().await;
    described.expect("tasks are described").tasks.unwrap_or_default()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn after_a_full_disk_no_task_shows_as_running_without_a_process() {
    use aws_sdk_ecs::types::{
        AwsVpcConfiguration, Compatibility, ContainerDefinition, DesiredStatus, LaunchType, NetworkConfiguration,
        NetworkMode,
    };

    let (confined, endpoint) = Confined::start("true").await;
    let config = LocalAws::config_of(&endpoint);
    let ecs = aws_sdk_ecs::Client::new(&config);
    ecs.create_cluster().cluster_name("c").send().await.expect("a cluster");
    let vpc = AwsVpcConfiguration::builder().set_subnets(Some(LocalAws::subnets_of(&config).await)).build();
    let network = NetworkConfiguration::builder().awsvpc_configuration(vpc.expect("subnets")).build();
    let definition =
        ecs.register_task_definition().family("f").network_mode(NetworkMode::Awsvpc).cpu("256").memory("512");
    let definition = definition.requires_compatibilities(Compatibility::Fargate);
    let container = ContainerDefinition::builder().name("a").image("a").build();
    definition.container_definitions(container).send().await.expect("a task definition");
    let service = ecs.create_service().cluster("c").service_name("web").task_definition("f").desired_count(2);
    let service = service.launch_type(LaunchType::Fargate).network_configuration(network);
    service.send().await.expect("a service");
    let running = async |without: &[String]| {
        let two = async {
            loop {
                let tasks = tasks(&ecs, DesiredStatus::Running).await;
                let is_new = |task: &&aws_sdk_ecs::types::Task| {
                    task.last_status() == Some("RUNNING")
                        && task.task_arn().is_some_and(|arn| !without.contains(&arn.to_owned()))
                };
                let new: Vec<String> = tasks.iter().filter(is_new).filter_map(|task| task.task_arn.clone()).collect();
                if new.len() == 2 && tasks.len() == 2 {
                    return new;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(LIMIT, two).await.expect("two tasks run")
    };
    let first = running(&[]).await;

    // From now on nothing of the state can be written, not even in place, and a few lines of the log can.
    let log = confined.folder().join("sandbox.log");
    open(&log).set_len(0).expect("it is emptied");
    let pid = confined.id().to_string();
    let limit = |bytes: &str| {
        let limited = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}")]).status();
        assert!(limited.expect("prlimit runs").success());
    };
    limit("4096:unlimited");
    for shim in crate::local_aws::shims(confined.id()) {
        kill(shim, Signal::SIGKILL).expect("it is there");
    }
    let failed = async {
        while read(&log).matches("its driver failed").count() < 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LIMIT, failed).await.expect("neither end can be written");
    limit("unlimited:unlimited");
    let second = running(&first).await;
    assert_eq!(crate::local_aws::shims(confined.id()).len(), 2, "{second:?} are processes");
    for task in tasks(&ecs, DesiredStatus::Stopped).await {
        let arn = task.task_arn().expect("an ARN");
        assert_eq!(task.last_status(), Some("STOPPED"), "{arn}");
        let reason = task.stopped_reason().unwrap_or_default();
        assert!(
            reason.starts_with("Essential container in task exited: ") && reason.contains("no space left"),
            "{reason}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_start_on_a_full_disk_names_the_file_that_could_not_be_written() {
    let folder = tempfile::tempdir().expect("a folder");
    // No file can be written, not even the log.
    let script = "trap '' XFSZ; ulimit -S -f 0; exec \"$0\" --background \"$1\"";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(program()).arg(folder.path()).env_clear();
    let output = command.output().expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        error.starts_with("error: the sandbox did not start: ") && error.contains("endpoint.json.new: "),
        "{error}"
    );
}

#[tokio::test]
async fn a_sandbox_killed_at_any_time_continues_its_stacks_operations() {
    let mut aws = LocalAws::start().await;
    let template = |value: u32| {
        let parameter =
            json!({ "Type": "AWS::SSM::Parameter", "Properties": { "Type": "String", "Value": value.to_string() } });
        json!({ "Resources": { "A": parameter, "B": parameter, "C": parameter } }).to_string()
    };
    for round in 0..8_u32 {
        let client = aws.cloudformation();
        let work = async {
            for number in 0.. {
                let (name, body) = (format!("s-{}", number % 3), template(round * 1000 + number));
                // Calls that are refused because of an operation in progress are part of the load.
                let made = client.create_stack().stack_name(&name).template_body(&body).send().await;
                if made.is_err() {
                    let _ = client.update_stack().stack_name(&name).template_body(&body).send().await;
                }
            }
        };
        let _ = tokio::time::timeout(Duration::from_millis(u64::from(rand::random_range(20..200_u32))), work).await;
        aws.kill_and_restart().await;
    }
    let client = aws.cloudformation();
    let rest = async {
        loop {
            let stacks = client.describe_stacks().send().await.expect("stacks");
            let statuses: Vec<&str> =
                stacks.stacks().iter().filter_map(|stack| Some(stack.stack_status()?.as_str())).collect();
            if !statuses.iter().any(|status| status.ends_with("_IN_PROGRESS")) {
                return statuses.iter().map(|status| (*status).to_owned()).collect::<Vec<_>>();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let statuses = tokio::time::timeout(LIMIT, rest).await.expect("all operations end");
    assert!(!statuses.is_empty() && statuses.iter().all(|status| status.ends_with("_COMPLETE")), "{statuses:?}");
}

#[tokio::test]
async fn a_reset_and_a_start_at_the_same_time_leave_an_intact_state() {
    let mut aws = LocalAws::start().await;
    aws.logs().create_log_group().log_group_name("g").send().await.expect("a group");
    let (folder, other) = (aws.folder(), aws.folder());
    // The later of the two finds an intact state.
    let (was_reset, started) = tokio::join!(lifecycle::reset(&folder), aws.try_restart());
    was_reset.expect("it is reset");
    started.expect("it is started");
    lifecycle::stop(&other).await.expect("it can be stopped");
    lifecycle::reset(&other).await.expect("it is reset again");
    aws.try_restart().await.expect("it starts");
    assert!(aws.logs().describe_log_groups().send().await.expect("a response").log_groups().is_empty());
}

#[tokio::test]
async fn concurrent_stops_and_starts_wait_for_each_other() {
    let mut aws = LocalAws::start().await;
    let folder = aws.folder();
    for _ in 0..5 {
        let (first_stop, started, second_stop) =
            tokio::join!(lifecycle::stop(&folder), aws.try_restart(), lifecycle::stop(&folder));
        first_stop.and(second_stop).expect("each stops the sandbox that runs then");
        started.expect("it is started");
    }
    // A killed sandbox leaves an endpoint without a listener.
    aws.try_restart().await.expect("it is started");
    aws.kill();
    assert!(!lifecycle::stop(&folder).await.expect("nothing runs"));
}

#[tokio::test]
async fn the_log_has_every_request_and_no_secret() {
    let aws = LocalAws::start().await;
    aws.logs().create_log_group().log_group_name("secret-name").send().await.expect("a group");
    let mut file = open(&aws.folder().join("sandbox.log"));
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_string(&mut text)).expect("the log is read");
    assert!(text.contains(" start: version ") && text.contains(" logs:CreateLogGroup 200 ("), "{text}");
    assert!(!text.contains("secret-name") && !text.contains(&aws.endpoint.credentials.secret_access_key), "{text}");
}

/// Older versions had one secret for all calls.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "what an older version wrote")]
async fn an_endpoint_without_a_secret_for_control_calls_keeps_its_keys() {
    let mut aws = LocalAws::start().await;
    aws.kill();
    let file = aws.folder().join("endpoint.json");
    let mut endpoint: serde_json::Value = serde_json::from_str(&read(&file)).expect("JSON");
    endpoint.as_object_mut().expect("a map").remove("control_secret").expect("it is there");
    std::fs::write(&file, endpoint.to_string()).expect("it is written");
    let secret = aws.endpoint.credentials.secret_access_key.clone();
    aws.try_restart().await.expect("it starts");
    assert_eq!(aws.endpoint.credentials.secret_access_key, secret);
    assert!(!aws.endpoint.control_secret.is_empty());
    aws.control("Status", json!({})).await;
}
