//! How many tasks to start and to stop: arithmetic only.
//!
//! Source: "Rolling update" in the ECS developer guide. The minimum rounds up, the maximum down.

/// What a service has: ready tasks have run for a moment, starting ones have not, and pending ones do not run yet. Tasks that
/// are to stop are not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) desired: u64,
    pub(super) primary_ready: u64,
    pub(super) primary_starting: u64,
    pub(super) old_ready: u64,
    pub(super) old_starting: u64,
    pub(super) old_pending: u64,
}

/// What to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Moves {
    pub(super) start: u64,
    pub(super) stop_primary: u64,
    pub(super) stop_old: u64,
}

/// The next moves of a service, within its limits in percent of the desired count.
///
/// Products saturate, so that no count or percentage of a request makes them wrap.
pub(super) fn moves(counts: Counts, minimum_healthy_percent: u32, maximum_percent: u32) -> Moves {
    let Counts { desired, primary_ready, primary_starting, old_ready, old_starting, old_pending } = counts;
    let minimum = desired.saturating_mul(minimum_healthy_percent.into()).div_ceil(100);
    let maximum = desired.saturating_mul(maximum_percent.into()) / 100;
    let primary = primary_ready + primary_starting;
    let old = old_ready + old_starting;
    let missing = desired.saturating_sub(primary);
    let start = missing.min(maximum.saturating_sub(primary + old));
    let ready = primary_ready + old_ready;
    // Old tasks make way as new ones get ready, and earlier only where new ones would otherwise have no room.
    let blocked = missing - start;
    let surplus = ready.saturating_sub(desired).max(blocked.min(ready.saturating_sub(minimum)));
    let replaced = if primary_ready >= desired { old } else { surplus.min(old_ready) };
    // The minimum is of tasks that run: what a replaced deployment has only begun to start is given up, and its room is free.
    let stop_old = replaced + old_pending;
    Moves { start, stop_primary: primary.saturating_sub(desired), stop_old }
}

#[cfg(test)]
mod tests {
    use super::{Counts, Moves, moves};

    #[test]
    fn a_new_service_starts_all_its_tasks() {
        assert_eq!(moves(Counts { desired: 3, ..Counts::default() }, 50, 200), Moves { start: 3, ..Moves::default() });
    }

    #[test]
    fn a_rollout_starts_new_tasks_before_it_stops_old_ones() {
        let begun = Counts { desired: 2, old_ready: 2, ..Counts::default() };
        assert_eq!(moves(begun, 50, 200), Moves { start: 2, ..Moves::default() });
        let half = Counts { primary_ready: 1, primary_starting: 1, ..begun };
        assert_eq!(moves(half, 50, 200), Moves { stop_old: 1, ..Moves::default() });
        let done = Counts { primary_ready: 2, old_ready: 1, desired: 2, ..Counts::default() };
        assert_eq!(moves(done, 50, 200), Moves { stop_old: 1, ..Moves::default() });
    }

    #[test]
    fn without_room_old_tasks_make_way_down_to_the_minimum() {
        let begun = Counts { desired: 4, old_ready: 4, ..Counts::default() };
        assert_eq!(moves(begun, 50, 100), Moves { stop_old: 2, ..Moves::default() });
        let one = Counts { desired: 1, old_ready: 1, ..Counts::default() };
        assert_eq!(moves(one, 0, 100), Moves { stop_old: 1, ..Moves::default() });
    }

    #[test]
    fn scaling_in_stops_what_is_too_much() {
        let counts = Counts { desired: 1, primary_ready: 3, ..Counts::default() };
        assert_eq!(moves(counts, 50, 200), Moves { stop_primary: 2, ..Moves::default() });
        let none = Counts { desired: 0, primary_ready: 1, old_ready: 1, ..Counts::default() };
        assert_eq!(moves(none, 50, 200), Moves { stop_primary: 1, stop_old: 1, start: 0 });
    }

    #[test]
    fn what_an_older_deployment_has_not_started_yet_is_given_up_at_once() {
        let corrected = Counts { desired: 1, primary_ready: 1, old_ready: 0, old_pending: 1, ..Counts::default() };
        assert_eq!(moves(corrected, 100, 200), Moves { stop_old: 1, ..Moves::default() });
        let stuck = Counts { desired: 1, old_ready: 1, old_pending: 1, ..Counts::default() };
        assert_eq!(moves(stuck, 100, 200), Moves { start: 1, stop_old: 1, ..Moves::default() });
    }

    #[test]
    fn the_greatest_counts_and_percentages_do_not_wrap() {
        let most = u64::from(u32::MAX);
        let numbers = [0, 1, 3, 21_474_837, most];
        for (desired, primary_ready, old_ready) in
            numbers.iter().flat_map(|one| numbers.iter().flat_map(move |two| numbers.map(|three| (*one, *two, three))))
        {
            for percent in [0, 100, 200, i32::MAX.unsigned_abs(), u32::MAX] {
                let counts = Counts { desired, primary_ready, old_ready, ..Counts::default() };
                let Moves { start, stop_primary, stop_old } = moves(counts, percent.min(100), percent);
                assert!(primary_ready + start <= desired.max(primary_ready), "{counts:?} {percent}");
                assert!(stop_primary <= primary_ready && stop_old <= old_ready, "{counts:?} {percent}");
            }
        }
        let counts = Counts { desired: 5000, ..Counts::default() };
        assert_eq!(moves(counts, 100, u32::MAX).start, 5000);
        assert_eq!(moves(Counts { desired: most, ..counts }, u32::MAX, u32::MAX).start, most);
    }

    /// Whatever happens to tasks, a rollout goes on to its end and stays within its limits.
    #[test]
    fn every_rollout_ends() {
        for (desired, minimum, maximum) in
            [(1_u64, 50_u32, 200_u32), (3, 50, 200), (10, 50, 125), (5, 0, 100), (7, 100, 150)]
        {
            let mut counts = Counts { desired, old_ready: desired, ..Counts::default() };
            for _ in 0..100 {
                let Moves { start, stop_primary, stop_old } = moves(counts, minimum, maximum);
                assert_eq!(stop_primary, 0);
                counts.old_ready -= stop_old;
                counts.primary_ready += counts.primary_starting;
                counts.primary_starting = start;
                let ready = counts.primary_ready + counts.old_ready;
                assert!(ready >= (desired * u64::from(minimum)).div_ceil(100), "{counts:?}");
                assert!(ready + counts.primary_starting <= desired * u64::from(maximum) / 100, "{counts:?}");
            }
            assert_eq!(counts, Counts { desired, primary_ready: desired, ..Counts::default() });
        }
    }
}
