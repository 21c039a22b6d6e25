//! Counts and autoscaling of running services.

mod autoscaling;
mod count;

pub use autoscaling::autoscaling_differences;
pub use count::{ServiceCount, desired_counts};
