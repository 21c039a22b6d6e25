//! Decision tables.

use serde_json::json;

use super::{CapacityRequest, CooldownScaling, Decision, Reason, ScalingState, TrackedMetric, decide};
use crate::services::autoscaling::configuration::{Configuration, PolicyType};

const NOW: ScalingState = ScalingState {
    running: 4,
    desired: 4,
    min: 1,
    max: 10,
    deploying: false,
    in_suspended: false,
    out_suspended: false,
    cooling: None,
};
const AFTER_OUT: Option<CooldownScaling> = Some(CooldownScaling { from: 2, to: 4, out: true });
const AFTER_IN: Option<CooldownScaling> = Some(CooldownScaling { from: 6, to: 4, out: false });

fn track(values: &[f64]) -> CapacityRequest {
    CapacityRequest::Track(values.iter().map(|value| TrackedMetric { value: *value, target: 50.0 }).collect())
}

/// The count that is set, or the name of the reason.
fn outcome(decision: Decision) -> String {
    match decision {
        Decision::Set(CooldownScaling { to, .. }) => to.to_string(),
        Decision::NotScaled(reason) => format!("{reason:?}"),
        Decision::Wait => "wait".to_owned(),
    }
}

#[test]
fn target_tracking_is_proportional_and_bounded() {
    let rows = [
        (NOW, vec![75.0], "6"),
        (NOW, vec![51.0], "5"),
        (NOW, vec![400.0], "10"),
        (NOW, vec![50.0], "AlreadyAtDesiredCapacity(4)"),
        (NOW, vec![20.0], "2"),
        (NOW, vec![0.0], "1"),
        (NOW, vec![44.0], "AutoScalingAnticipatedFlapping"),
        (ScalingState { running: 0, desired: 0, min: 0, ..NOW }, vec![60.0], "1"),
        (ScalingState { running: 10, desired: 10, ..NOW }, vec![90.0], "AlreadyAtMaxCapacity(10)"),
        (ScalingState { running: 1, desired: 1, ..NOW }, vec![10.0], "AlreadyAtMinCapacity(1)"),
        // Several policies: the largest capacity.
        (NOW, vec![0.0, 30.0], "3"),
        // Desired tasks that are not running yet do not cause more of them.
        (ScalingState { running: 2, ..NOW }, vec![75.0], "AlreadyAtDesiredCapacity(4)"),
        // A desired count above the maximum.
        (ScalingState { running: 12, desired: 12, ..NOW }, vec![45.0], "10"),
        (ScalingState { min: 6, ..NOW }, vec![51.0], "6"),
    ];
    for (now, values, expected) in rows {
        assert_eq!(outcome(decide(&now, &track(&values))), expected, "{now:?} {values:?}");
    }
}

#[test]
fn cooldowns_suspension_and_deployments_delay_scaling() {
    let rows = [
        // Calculated from 2, the base of the previous scaling: 3 is less than the 4 that it has set, 6 is more.
        (ScalingState { cooling: AFTER_OUT, ..NOW }, 75.0, "wait"),
        (ScalingState { cooling: AFTER_OUT, ..NOW }, 150.0, "6"),
        (ScalingState { cooling: AFTER_OUT, ..NOW }, 10.0, "wait"),
        (ScalingState { cooling: AFTER_IN, ..NOW }, 75.0, "6"),
        (ScalingState { cooling: AFTER_IN, ..NOW }, 10.0, "wait"),
        (ScalingState { out_suspended: true, ..NOW }, 75.0, "wait"),
        (ScalingState { out_suspended: true, ..NOW }, 10.0, "1"),
        (ScalingState { in_suspended: true, ..NOW }, 10.0, "wait"),
        (ScalingState { deploying: true, ..NOW }, 75.0, "6"),
        (ScalingState { deploying: true, ..NOW }, 10.0, "TargetServicePutResourceAsUnscalable"),
    ];
    for (now, value, expected) in rows {
        assert_eq!(outcome(decide(&now, &track(&[value]))), expected, "{now:?} {value}");
    }
    let decision = decide(&ScalingState { cooling: AFTER_OUT, ..NOW }, &track(&[150.0]));
    assert_eq!(decision, Decision::Set(CooldownScaling { from: 2, to: 6, out: true }));
    let reason = decide(&ScalingState { cooling: AFTER_IN, desired: 1, ..NOW }, &track(&[10.0]));
    assert_eq!(reason, Decision::NotScaled(Reason::AlreadyAtMinCapacity(1)));
}

/// The decision for four tasks and a metric with this difference from the threshold.
fn step(kind: &str, steps: &[(Option<f64>, Option<f64>, i64)], difference: f64, above_threshold: bool) -> Option<u32> {
    let steps: Vec<_> = steps
        .iter()
        .map(|(lower, upper, by)| json!({ "MetricIntervalLowerBound": lower, "MetricIntervalUpperBound": upper, "ScalingAdjustment": by }))
        .collect();
    let given = json!({ "AdjustmentType": kind, "StepAdjustments": steps, "MinAdjustmentMagnitude": 2 });
    let Ok(Configuration::StepScaling(step)) = Configuration::read(PolicyType::StepScaling, Some(given)) else {
        panic!("{steps:?}")
    };
    Some(CapacityRequest::from_step(&step, difference, above_threshold)?.capacity(4))
}

#[test]
fn the_step_depends_on_the_distance_from_the_threshold() {
    let out = [(Some(0.0), Some(10.0), 1), (Some(10.0), None, 3)];
    assert_eq!(step("ChangeInCapacity", &out, 0.0, true), Some(5));
    assert_eq!(step("ChangeInCapacity", &out, 9.9, true), Some(5));
    assert_eq!(step("ChangeInCapacity", &out, 10.0, true), Some(7));
    assert_eq!(step("ChangeInCapacity", &out, -1.0, true), None);
    let back = [(Some(-10.0), Some(0.0), -1), (None, Some(-10.0), -9)];
    assert_eq!(step("ChangeInCapacity", &back, 0.0, false), Some(3));
    assert_eq!(step("ChangeInCapacity", &back, -10.0, false), Some(0));
    assert_eq!(step("ExactCapacity", &[(Some(0.0), None, 7)], 1.0, true), Some(7));
    assert_eq!(step("PercentChangeInCapacity", &[(Some(0.0), None, 25)], 1.0, true), Some(6), "at least two");
    assert_eq!(step("PercentChangeInCapacity", &[(Some(0.0), None, 90)], 1.0, true), Some(7));
    assert_eq!(step("PercentChangeInCapacity", &[(None, Some(0.0), -90)], -1.0, false), Some(1));
}

#[test]
fn adjustments_of_any_size_saturate() {
    for (by, expected) in [(i64::MAX, u32::MAX), (i64::MIN, 0)] {
        for kind in ["ChangeInCapacity", "PercentChangeInCapacity"] {
            assert_eq!(step(kind, &[(Some(0.0), None, by)], 1.0, true), Some(expected), "{kind} {by}");
        }
    }
    assert_eq!(step("ExactCapacity", &[(Some(0.0), None, i64::MAX)], 1.0, true), Some(u32::MAX));
    for (value, expected) in [(f64::MAX, "10"), (0.0, "1"), (-f64::MAX, "1")] {
        assert_eq!(outcome(decide(&NOW, &track(&[value]))), expected, "{value}");
    }
}

#[test]
fn steps_that_overlap_or_leave_a_gap_are_refused() {
    let refused = |steps: serde_json::Value| {
        let given = json!({ "AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps });
        Configuration::read(PolicyType::StepScaling, Some(given)).expect_err("it is refused").message
    };
    let overlapping = json!([
        { "MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 20, "ScalingAdjustment": 1 },
        { "MetricIntervalLowerBound": 10, "ScalingAdjustment": 2 },
    ]);
    assert_eq!(refused(overlapping), "The ranges of step adjustments must neither overlap nor have a gap");
    assert_eq!(refused(json!([])), "At least one step adjustment is required");
    let bounded = json!([{ "MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1 }]);
    assert_eq!(refused(bounded), "With a positive upper bound, one step adjustment must have no upper bound");
}
