//! The desired count that was set in ECS directly, and whether the service keeps it.

/// How many observations in a row have to show another desired count before it counts as changed by something else: DescribeServices is
/// eventually consistent and may still return the old count until then.
const OVERRIDDEN_AFTER: usize = 60;
/// How many observations in a row have to show the count running, without a task that stopped: a task that exits right after its start is
/// RUNNING for an instant.
const STEADY_AFTER: usize = 3;

/// A desired count that has to be reached exactly.
#[derive(Debug)]
pub(super) struct ExpectedCount {
    count: u32,
    /// Observations in a row with another desired count.
    other_counts: usize,
    /// Observations in a row with the count running.
    steady: usize,
}

/// How an observed desired count compares with the expected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CountCheck {
    /// It is the expected one.
    Expected,
    /// It is another one, which may be stale.
    Other,
    /// It has been another one for too long.
    Overridden,
}

impl ExpectedCount {
    pub(super) fn new(count: u32) -> Self {
        Self { count, other_counts: 0, steady: 0 }
    }

    /// Compares the desired count of an observation.
    pub(super) fn check(&mut self, desired: u32) -> CountCheck {
        if desired == self.count {
            self.other_counts = 0;
            return CountCheck::Expected;
        }
        self.other_counts += 1;
        if self.other_counts >= OVERRIDDEN_AFTER { CountCheck::Overridden } else { CountCheck::Other }
    }

    /// Whether the count has been running for long enough. `runs` says whether this observation shows it running.
    pub(super) fn is_steady(&mut self, runs: bool, has_stopped_tasks: bool) -> bool {
        self.steady = if runs && !has_stopped_tasks { self.steady + 1 } else { 0 };
        self.steady >= STEADY_AFTER
    }
}
