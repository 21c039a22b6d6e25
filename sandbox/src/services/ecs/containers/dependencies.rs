//! Dependencies between a task's containers: which may start, which never can, and which are stopped first.
//!
//! Source: `dependsOn` in the API reference's ContainerDefinition, and the sentences of the ECS agent's dependency graph.

use crate::services::ecs::model::{ContainerCondition, ContainerDefinition, HealthStatus};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::services::ecs) enum ContainerState {
    /// It has not been started.
    Waiting,
    Running(HealthStatus),
    /// It ended with this code.
    Exited(i32),
}

impl ContainerState {
    /// The state after a change; none if the change does not apply. Only a running container
    /// changes its health or ends, and a container that has ended does not run again.
    pub(in crate::services::ecs) fn transition(self, change: Self) -> Option<Self> {
        matches!(self, Self::Running(_)).then_some(change)
    }
}

/// Whether a container may start.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::services::ecs) enum StartDecision {
    Start,
    /// Not before these containers, by index, have changed their state.
    Wait(Vec<usize>),
    /// Never, because of the state of this container.
    Never(usize),
}

/// Whether the container of an index may start.
pub(in crate::services::ecs) fn start_decision(
    containers: &[ContainerDefinition],
    states: &[ContainerState],
    index: usize,
) -> StartDecision {
    let mut waiting = Vec::new();
    for dependency in &containers[index].depends_on {
        let Some(other) = containers.iter().position(|container| container.name == dependency.container_name) else {
            continue;
        };
        match (dependency.condition, states[other]) {
            (ContainerCondition::Start, ContainerState::Running(_) | ContainerState::Exited(_))
            | (ContainerCondition::Complete, ContainerState::Exited(_))
            | (ContainerCondition::Success, ContainerState::Exited(0))
            | (ContainerCondition::Healthy, ContainerState::Running(HealthStatus::Healthy)) => {}
            (ContainerCondition::Success | ContainerCondition::Healthy, ContainerState::Exited(_)) => {
                return StartDecision::Never(other);
            }
            _ => waiting.push(other),
        }
    }
    if waiting.is_empty() { StartDecision::Start } else { StartDecision::Wait(waiting) }
}

/// The running containers that no other running one depends on: they are stopped first.
pub(in crate::services::ecs) fn stoppable(containers: &[ContainerDefinition], states: &[ContainerState]) -> Vec<usize> {
    let runs = |index: &usize| matches!(states[*index], ContainerState::Running(_));
    let is_needed = |name: &String| {
        let mut others = (0..containers.len()).filter(runs);
        others.any(|other| containers[other].depends_on.iter().any(|dependency| dependency.container_name == *name))
    };
    (0..containers.len()).filter(runs).filter(|index| !is_needed(&containers[*index].name)).collect()
}

/// Whether a dependency can never be met: on an unknown container, on the container itself, or in a cycle.
pub(in crate::services::ecs) fn is_unresolvable(containers: &[ContainerDefinition]) -> bool {
    let mut resolved: Vec<&str> = Vec::new();
    loop {
        let is_met = |container: &&ContainerDefinition| {
            container.depends_on.iter().all(|dependency| resolved.contains(&dependency.container_name.as_str()))
        };
        let next: Vec<&str> = containers
            .iter()
            .filter(|container| !resolved.contains(&container.name.as_str()))
            .filter(is_met)
            .map(|container| container.name.as_str())
            .collect();
        if next.is_empty() {
            return resolved.len() < containers.len();
        }
        resolved.extend(next);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ContainerState, StartDecision, is_unresolvable, start_decision, stoppable};
    use crate::services::ecs::model::{ContainerDefinition, HealthStatus};

    fn containers(dependencies: &[(&str, &str, &str)]) -> Vec<ContainerDefinition> {
        let container = |name: &str| {
            let own = dependencies.iter().filter(|(of, ..)| *of == name);
            let list: Vec<_> =
                own.map(|(_, on, condition)| json!({ "containerName": on, "condition": condition })).collect();
            serde_json::from_value(json!({ "name": name, "image": "i", "dependsOn": list })).expect("a container")
        };
        ["a", "b"].map(container).to_vec()
    }

    #[test]
    fn a_container_starts_when_its_dependencies_are_met() {
        let healthy = ContainerState::Running(HealthStatus::Healthy);
        let unknown = ContainerState::Running(HealthStatus::Unknown);
        for (condition, state, expected) in [
            ("START", ContainerState::Waiting, StartDecision::Wait(vec![0])),
            ("START", unknown, StartDecision::Start),
            ("COMPLETE", unknown, StartDecision::Wait(vec![0])),
            ("COMPLETE", ContainerState::Exited(1), StartDecision::Start),
            ("SUCCESS", ContainerState::Exited(1), StartDecision::Never(0)),
            ("SUCCESS", ContainerState::Exited(0), StartDecision::Start),
            ("HEALTHY", unknown, StartDecision::Wait(vec![0])),
            ("HEALTHY", healthy, StartDecision::Start),
            ("HEALTHY", ContainerState::Exited(0), StartDecision::Never(0)),
        ] {
            let both = containers(&[("b", "a", condition)]);
            assert_eq!(start_decision(&both, &[state, ContainerState::Waiting], 1), expected, "{condition}");
        }
    }

    #[test]
    fn a_late_health_event_does_not_revive_a_container_that_has_ended() {
        let healths =
            [HealthStatus::Unknown, HealthStatus::Healthy, HealthStatus::Unhealthy].map(ContainerState::Running);
        for health in healths {
            assert_eq!(ContainerState::Exited(0).transition(health), None);
            assert_eq!(ContainerState::Waiting.transition(health), None);
            assert_eq!(ContainerState::Running(HealthStatus::Unknown).transition(health), Some(health));
            assert_eq!(health.transition(ContainerState::Exited(1)), Some(ContainerState::Exited(1)));
        }
        assert_eq!(ContainerState::Exited(0).transition(ContainerState::Exited(1)), None);
    }

    #[test]
    fn a_container_that_others_depend_on_is_stopped_last() {
        let both = containers(&[("b", "a", "START")]);
        let running = ContainerState::Running(HealthStatus::Unknown);
        assert_eq!(stoppable(&both, &[running, running]), [1]);
        assert_eq!(stoppable(&both, &[running, ContainerState::Exited(0)]), [0]);
    }

    #[test]
    fn cycles_and_unknown_containers_are_unresolvable() {
        assert!(!is_unresolvable(&containers(&[("b", "a", "START")])));
        assert!(is_unresolvable(&containers(&[("b", "a", "START"), ("a", "b", "START")])));
        assert!(is_unresolvable(&containers(&[("b", "c", "START")])));
    }
}
