//! Rollouts as ECS and CloudFormation report them, in `tests/data/rollouts`: a sequence of observations with the expected state after each.
//! The answers are in our own types' shape; the stories are those of ECS's guides (deployments, circuit breaker, stopped-task reasons).

use ecsws::ops::RolloutState;
use ecsws::ops::rollout::{Observation, Rollout, RolloutEvent};
use serde::Deserialize;

use crate::common::{data, read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    about: String,
    /// The PRIMARY deployment from before the update.
    before: Option<String>,
    /// The desired count that is set in ECS, where the story is about that.
    count: Option<u32>,
    /// What was seen before it was set.
    #[serde(default)]
    seen_before: Observation,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// How often it is seen in a row.
    repeat: Option<usize>,
    observation: Observation,
    state: String,
    /// The progress that is reported, where that matters.
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
fn every_story_is_understood() {
    let mut stories = 0;
    for file in std::fs::read_dir(data("rollouts")).unwrap() {
        let path = file.unwrap().path();
        let Story { about, before, count, seen_before, steps } =
            serde_json::from_str(&read(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut rollout = match count {
            Some(count) => Rollout::of_count(count, &seen_before),
            None => Rollout::new("Service", before),
        };
        let steps = steps.into_iter().enumerate();
        for (at, Step { repeat, observation, state: expected, progress: expected_progress }) in steps {
            for _ in 1..repeat.unwrap_or(1) {
                rollout.apply(&observation);
                assert_ne!(state_name(rollout.state()), expected, "before the end of step {at}: {about}");
            }
            let progress: Vec<String> = rollout.apply(&observation).iter().map(progress_name).collect();
            let story = path.file_stem().unwrap().display();
            assert_eq!(state_name(rollout.state()), expected, "{story}, step {at}: {about}");
            if let Some(names) = expected_progress {
                assert_eq!(progress, names, "{story}, step {at}: {about}");
            }
        }
        stories += 1;
    }
    assert!(stories >= 12, "{stories} stories");
}
