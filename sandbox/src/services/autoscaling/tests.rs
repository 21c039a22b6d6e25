//! State of older versions is read and completed.

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Activity, ScalableTarget, ScalingPolicy, policies};
use crate::Config;
use crate::services::autoscaling::State;
use crate::services::cloudwatch;

#[test]
fn rows_of_older_versions_are_read_and_their_policies_get_alarms() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = crate::open(Config::for_test(folder.path(), 1.0), CancellationToken::new()).expect("a sandbox");
    let (resource, at) = ("service/demo/web", "2026-01-01T00:00:00Z");
    let target = json!({
        "id": "0a", "resource_id": resource, "min_capacity": 1, "max_capacity": 2, "role_arn": "r", "created_at": at,
        "suspended_state": {}, "tags": {},
    });
    let configuration = json!({
        "TargetValue": "50", "PredefinedMetricSpecification": { "PredefinedMetricType": "ECSServiceAverageCPUUtilization" },
    });
    let policy = json!({
        "id": "1b", "name": "cpu", "resource_id": resource, "policy_type": "TargetTrackingScaling", "created_at": at,
        "configuration": configuration,
    });
    let activity = json!({
        "id": "2c", "resource_id": resource, "description": "d", "cause": "c", "status_message": "s", "at": at,
    });
    let target: ScalableTarget = serde_json::from_value(target).expect("a target");
    let policy: ScalingPolicy = serde_json::from_value(policy).expect("a policy");
    let activity: Activity = serde_json::from_value(activity).expect("an activity");
    assert!(target.cooldown.is_none());
    assert_eq!(activity.status, super::activities::ActivityStatus::Successful);
    let key = format!("{resource}:cpu");
    let store = |states: &mut crate::store::States| {
        states.of_mut::<State>().policies.insert(key.clone(), policy);
        Ok(())
    };
    sandbox.store.write(store).expect("it is stored");
    policies::create_missing_alarms(&sandbox).expect("it is stored");
    sandbox.store.read(|states| {
        let alarms = &states.of::<State>().policies.get(&key).expect("it is there").alarms;
        let names = [&alarms.high, &alarms.low].map(|name| name.clone().expect("an alarm"));
        assert!(names.iter().all(|name| states.of::<cloudwatch::State>().alarms.contains(name)), "{names:?}");
    });
}
