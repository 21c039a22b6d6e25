//! Counts and autoscaling of running services.

mod autoscaling;
mod count;

pub(crate) use autoscaling::autoscaling_differences;
pub(crate) use count::ServiceCount;
