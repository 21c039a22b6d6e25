//! How many tasks to start and to stop. Pure.
//!
//! Source: "Rolling update" in the ECS developer guide. The minimum rounds up, the maximum down.

/// The tasks of a service: ready tasks count as working, starting ones run but do not count yet, and pending ones do not run yet.
/// Tasks whose desired status is `STOPPED` are not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct TaskCounts {
    pub(super) desired: u64,
    pub(super) primary_ready: u64,
    pub(super) primary_starting: u64,
    pub(super) old_ready: u64,
    pub(super) old_starting: u64,
    pub(super) old_pending: u64,
}

/// How many tasks to start and to stop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct TaskChanges {
    pub(super) start: u64,
    pub(super) stop_primary: u64,
    pub(super) stop_old: u64,
}

/// The next actions of a service, within its limits in percent of the desired count.
///
/// Products saturate, so that no count or percentage of a request overflows.
pub(super) fn task_changes(counts: TaskCounts, minimum_healthy_percent: u32, maximum_percent: u32) -> TaskChanges {
    let TaskCounts { desired, primary_ready, primary_starting, old_ready, old_starting, old_pending } = counts;
    let minimum = desired.saturating_mul(minimum_healthy_percent.into()).div_ceil(100);
    let maximum = desired.saturating_mul(maximum_percent.into()) / 100;
    let primary = primary_ready + primary_starting;
    let old = old_ready + old_starting;
    let missing = desired.saturating_sub(primary);
    let start = missing.min(maximum.saturating_sub(primary + old));
    let ready = primary_ready + old_ready;
    // Old tasks are stopped as new ones get ready, and earlier only where new ones would otherwise have no room.
    let blocked = missing - start;
    let surplus = ready.saturating_sub(desired).max(blocked.min(ready.saturating_sub(minimum)));
    let replaced = if primary_ready >= desired { old } else { surplus.min(old_ready) };
    // The minimum counts running tasks: pending tasks of a replaced deployment are stopped at once, to make room.
    let stop_old = replaced + old_pending;
    TaskChanges { start, stop_primary: primary.saturating_sub(desired), stop_old }
}

#[cfg(test)]
mod tests {
    use super::{TaskChanges, TaskCounts, task_changes};

    #[test]
    fn a_new_service_starts_all_its_tasks() {
        assert_eq!(
            task_changes(TaskCounts { desired: 3, ..TaskCounts::default() }, 50, 200),
            TaskChanges { start: 3, ..TaskChanges::default() }
        );
    }

    #[test]
    fn a_rollout_starts_new_tasks_before_it_stops_old_ones() {
        let initial = TaskCounts { desired: 2, old_ready: 2, ..TaskCounts::default() };
        assert_eq!(task_changes(initial, 50, 200), TaskChanges { start: 2, ..TaskChanges::default() });
        let half = TaskCounts { primary_ready: 1, primary_starting: 1, ..initial };
        assert_eq!(task_changes(half, 50, 200), TaskChanges { stop_old: 1, ..TaskChanges::default() });
        let done = TaskCounts { primary_ready: 2, old_ready: 1, desired: 2, ..TaskCounts::default() };
        assert_eq!(task_changes(done, 50, 200), TaskChanges { stop_old: 1, ..TaskChanges::default() });
    }

    #[test]
    fn without_room_old_tasks_are_stopped_down_to_the_minimum() {
        let initial = TaskCounts { desired: 4, old_ready: 4, ..TaskCounts::default() };
        assert_eq!(task_changes(initial, 50, 100), TaskChanges { stop_old: 2, ..TaskChanges::default() });
        let single_task = TaskCounts { desired: 1, old_ready: 1, ..TaskCounts::default() };
        assert_eq!(task_changes(single_task, 0, 100), TaskChanges { stop_old: 1, ..TaskChanges::default() });
    }

    #[test]
    fn scaling_in_stops_the_surplus() {
        let counts = TaskCounts { desired: 1, primary_ready: 3, ..TaskCounts::default() };
        assert_eq!(task_changes(counts, 50, 200), TaskChanges { stop_primary: 2, ..TaskChanges::default() });
        let none = TaskCounts { desired: 0, primary_ready: 1, old_ready: 1, ..TaskCounts::default() };
        assert_eq!(task_changes(none, 50, 200), TaskChanges { stop_primary: 1, stop_old: 1, start: 0 });
    }

    #[test]
    fn pending_tasks_of_an_older_deployment_are_stopped_at_once() {
        let corrected =
            TaskCounts { desired: 1, primary_ready: 1, old_ready: 0, old_pending: 1, ..TaskCounts::default() };
        assert_eq!(task_changes(corrected, 100, 200), TaskChanges { stop_old: 1, ..TaskChanges::default() });
        let stuck = TaskCounts { desired: 1, old_ready: 1, old_pending: 1, ..TaskCounts::default() };
        assert_eq!(task_changes(stuck, 100, 200), TaskChanges { start: 1, stop_old: 1, ..TaskChanges::default() });
    }

    #[test]
    fn the_maximum_counts_and_percentages_do_not_overflow() {
        let max = u64::from(u32::MAX);
        let numbers = [0, 1, 3, 21_474_837, max];
        for (desired, primary_ready, old_ready) in numbers
            .iter()
            .flat_map(|desired| numbers.iter().flat_map(move |primary| numbers.map(|old| (*desired, *primary, old))))
        {
            for percent in [0, 100, 200, i32::MAX.unsigned_abs(), u32::MAX] {
                let counts = TaskCounts { desired, primary_ready, old_ready, ..TaskCounts::default() };
                let TaskChanges { start, stop_primary, stop_old } = task_changes(counts, percent.min(100), percent);
                assert!(primary_ready + start <= desired.max(primary_ready), "{counts:?} {percent}");
                assert!(stop_primary <= primary_ready && stop_old <= old_ready, "{counts:?} {percent}");
            }
        }
        let counts = TaskCounts { desired: 5000, ..TaskCounts::default() };
        assert_eq!(task_changes(counts, 100, u32::MAX).start, 5000);
        assert_eq!(task_changes(TaskCounts { desired: max, ..counts }, u32::MAX, u32::MAX).start, max);
    }

    #[test]
    fn every_rollout_completes_within_its_limits() {
        for (desired, minimum, maximum) in
            [(1_u64, 50_u32, 200_u32), (3, 50, 200), (10, 50, 125), (5, 0, 100), (7, 100, 150)]
        {
            let mut counts = TaskCounts { desired, old_ready: desired, ..TaskCounts::default() };
            for _ in 0..100 {
                let TaskChanges { start, stop_primary, stop_old } = task_changes(counts, minimum, maximum);
                assert_eq!(stop_primary, 0);
                counts.old_ready -= stop_old;
                counts.primary_ready += counts.primary_starting;
                counts.primary_starting = start;
                let ready = counts.primary_ready + counts.old_ready;
                assert!(ready >= (desired * u64::from(minimum)).div_ceil(100), "{counts:?}");
                assert!(ready + counts.primary_starting <= desired * u64::from(maximum) / 100, "{counts:?}");
            }
            assert_eq!(counts, TaskCounts { desired, primary_ready: desired, ..TaskCounts::default() });
        }
    }
}
