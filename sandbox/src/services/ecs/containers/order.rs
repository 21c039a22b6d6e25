//! The order of a task's containers: which may start, which never will, and which may be stopped first.
//!
//! Source: `dependsOn` in the API reference's ContainerDefinition, and the sentences of the ECS agent's dependency graph.

use super::super::model::{Condition, ContainerDefinition, HealthStatus};

/// How far a container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Progress {
    /// It has not been started.
    Waiting,
    /// It runs.
    Running(HealthStatus),
    /// It ended with this code.
    Exited(i32),
}

impl Progress {
    /// The progress after a change; none when the change comes too late or too early to count. Only a running container
    /// changes its health or ends, and none that has ended runs again.
    pub(in super::super) fn then(self, change: Self) -> Option<Self> {
        matches!(self, Self::Running(_)).then_some(change)
    }
}

/// Whether a container may start.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Verdict {
    /// Now.
    Ready,
    /// When these, by index, have come further.
    Wait(Vec<usize>),
    /// Not any more, because of this one.
    Never(usize),
}

/// Whether the container of an index may start.
pub(in super::super) fn verdict(containers: &[ContainerDefinition], progress: &[Progress], index: usize) -> Verdict {
    let mut waiting = Vec::new();
    for dependency in &containers[index].depends_on {
        let Some(other) = containers.iter().position(|one| one.name == dependency.container_name) else { continue };
        match (dependency.condition, progress[other]) {
            (Condition::Start, Progress::Running(_) | Progress::Exited(_))
            | (Condition::Complete, Progress::Exited(_))
            | (Condition::Success, Progress::Exited(0))
            | (Condition::Healthy, Progress::Running(HealthStatus::Healthy)) => {}
            (Condition::Success | Condition::Healthy, Progress::Exited(_)) => return Verdict::Never(other),
            _ => waiting.push(other),
        }
    }
    if waiting.is_empty() { Verdict::Ready } else { Verdict::Wait(waiting) }
}

/// The running containers that no other running one depends on: they are stopped first.
pub(in super::super) fn last(containers: &[ContainerDefinition], progress: &[Progress]) -> Vec<usize> {
    let runs = |index: &usize| matches!(progress[*index], Progress::Running(_));
    let needed = |name: &String| {
        let mut others = (0..containers.len()).filter(runs);
        others.any(|other| containers[other].depends_on.iter().any(|dependency| dependency.container_name == *name))
    };
    (0..containers.len()).filter(runs).filter(|index| !needed(&containers[*index].name)).collect()
}

/// A dependency that can never be fulfilled: on a container that is not there, on itself, or in a circle.
pub(in super::super) fn is_impossible(containers: &[ContainerDefinition]) -> bool {
    let mut settled: Vec<&str> = Vec::new();
    loop {
        let fulfilled = |container: &&ContainerDefinition| {
            container.depends_on.iter().all(|dependency| settled.contains(&dependency.container_name.as_str()))
        };
        let next: Vec<&str> = containers
            .iter()
            .filter(|container| !settled.contains(&container.name.as_str()))
            .filter(fulfilled)
            .map(|container| container.name.as_str())
            .collect();
        if next.is_empty() {
            return settled.len() < containers.len();
        }
        settled.extend(next);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Progress, Verdict, is_impossible, last, verdict};
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
    fn a_container_starts_when_the_others_are_far_enough() {
        let healthy = Progress::Running(HealthStatus::Healthy);
        let unknown = Progress::Running(HealthStatus::Unknown);
        for (condition, progress, wanted) in [
            ("START", Progress::Waiting, Verdict::Wait(vec![0])),
            ("START", unknown, Verdict::Ready),
            ("COMPLETE", unknown, Verdict::Wait(vec![0])),
            ("COMPLETE", Progress::Exited(1), Verdict::Ready),
            ("SUCCESS", Progress::Exited(1), Verdict::Never(0)),
            ("SUCCESS", Progress::Exited(0), Verdict::Ready),
            ("HEALTHY", unknown, Verdict::Wait(vec![0])),
            ("HEALTHY", healthy, Verdict::Ready),
            ("HEALTHY", Progress::Exited(0), Verdict::Never(0)),
        ] {
            let both = containers(&[("b", "a", condition)]);
            assert_eq!(verdict(&both, &[progress, Progress::Waiting], 1), wanted, "{condition}");
        }
    }

    #[test]
    fn a_late_health_event_does_not_revive_a_container_that_has_ended() {
        let healths = [HealthStatus::Unknown, HealthStatus::Healthy, HealthStatus::Unhealthy].map(Progress::Running);
        for health in healths {
            assert_eq!(Progress::Exited(0).then(health), None);
            assert_eq!(Progress::Waiting.then(health), None);
            assert_eq!(Progress::Running(HealthStatus::Unknown).then(health), Some(health));
            assert_eq!(health.then(Progress::Exited(1)), Some(Progress::Exited(1)));
        }
        assert_eq!(Progress::Exited(0).then(Progress::Exited(1)), None);
    }

    #[test]
    fn what_others_depend_on_is_stopped_last() {
        let both = containers(&[("b", "a", "START")]);
        let running = Progress::Running(HealthStatus::Unknown);
        assert_eq!(last(&both, &[running, running]), [1]);
        assert_eq!(last(&both, &[running, Progress::Exited(0)]), [0]);
    }

    #[test]
    fn circles_and_strangers_are_found() {
        assert!(!is_impossible(&containers(&[("b", "a", "START")])));
        assert!(is_impossible(&containers(&[("b", "a", "START"), ("a", "b", "START")])));
        assert!(is_impossible(&containers(&[("b", "c", "START")])));
    }
}
