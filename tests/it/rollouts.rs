//! Rollouts in `tests/data/rollouts`: sequences of observations of ECS and CloudFormation, with the expected state after each.
//! Observations are written in the form of our model. The scenarios come from ECS's guides: deployments, circuit breaker and reasons
//! of stopped tasks.

use ecsws::testing::ops::RolloutState;
use ecsws::testing::ops::rollout::{Observation, Rollout, RolloutEvent};
use serde::Deserialize;

use crate::common::{data, read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    about: String,
    /// The id of the PRIMARY deployment before the update.
    before: Option<String>,
    /// The desired count that is set in ECS, for scenarios of `scale --hotswap`.
    count: Option<u32>,
    /// Whether the service is restarted.
    #[serde(default)]
    restart: bool,
    /// The observation before the count is set or the service is restarted.
    #[serde(default)]
    seen_before: Observation,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// How many times the observation is repeated; the state is expected after the last.
    repeat: Option<usize>,
    observation: Observation,
    state: String,
    /// The expected progress after the last repetition, if it is checked.
    progress: Option<Vec<String>>,
}

fn state_name(state: &RolloutState) -> String {
    match state {
        RolloutState::Failed(cause) => format!("Failed: {cause}"),
        other => format!("{other:?}"),
    }
}

fn progress_name(progress: &RolloutEvent) -> String {
    match progress {
        RolloutEvent::Deployments(_) => "deployments".to_owned(),
        RolloutEvent::ServiceEvent(_) => "event".to_owned(),
        RolloutEvent::Stopped { count, .. } => format!("stopped {count}"),
        RolloutEvent::Stuck { .. } => "stuck".to_owned(),
    }
}

#[test]
fn rollout_states_follow_from_the_observations() {
    let mut scenarios = 0;
    for file in std::fs::read_dir(data("rollouts")).unwrap() {
        let path = file.unwrap().path();
        let Scenario { about, before, count, restart, seen_before, steps } =
            serde_json::from_str(&read(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut rollout = match count {
            None if !restart => Rollout::new("Service", before),
            count => Rollout::outside_stack(count, &seen_before),
        };
        let steps = steps.into_iter().enumerate();
        for (at, Step { repeat, observation, state: expected, progress: expected_progress }) in steps {
            for _ in 1..repeat.unwrap_or(1) {
                rollout.apply(&observation);
                assert_ne!(state_name(rollout.state()), expected, "before the end of step {at}: {about}");
            }
            let progress: Vec<String> = rollout.apply(&observation).iter().map(progress_name).collect();
            let name = path.file_stem().unwrap().display();
            assert_eq!(state_name(rollout.state()), expected, "{name}, step {at}: {about}");
            if let Some(names) = expected_progress {
                assert_eq!(progress, names, "{name}, step {at}: {about}");
            }
        }
        scenarios += 1;
    }
    assert!(scenarios >= 12, "only {scenarios} scenarios");
}
