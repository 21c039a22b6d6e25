//! Counts and autoscaling of running services.

mod autoscaling;

pub(crate) use autoscaling::autoscaling_differences;
