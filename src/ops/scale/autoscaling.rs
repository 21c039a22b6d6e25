//! Compares the registered autoscaling with the requested numbers.

use std::time::Duration;

use tokio::time::sleep;

use crate::aws::Aws;
use crate::model::{ScalableTarget, ServiceName};
use crate::ops::Result;
use crate::stack::ScalingNumbers;

/// Application Auto Scaling is eventually consistent: numbers that differ are read again this often, at this interval.
const MAX_READS: usize = 5;
const READ_INTERVAL: Duration = Duration::from_secs(1);

/// How the autoscaling of a service differs from the requested numbers, in words. CloudFormation leaves alone what was changed outside of
/// the stack.
pub(crate) async fn autoscaling_differences(
    aws: &Aws,
    name: &ServiceName,
    scaling: &ScalingNumbers,
) -> Result<Vec<String>> {
    let mut found = differences(aws.scalable_target(name).await?.as_ref(), scaling);
    for _ in 1..MAX_READS {
        if found.is_empty() {
            break;
        }
        sleep(READ_INTERVAL).await;
        found = differences(aws.scalable_target(name).await?.as_ref(), scaling);
    }
    Ok(found)
}

fn differences(target: Option<&ScalableTarget>, scaling: &ScalingNumbers) -> Vec<String> {
    let Some(target) = target else { return vec!["it is not registered".to_owned()] };
    let ScalingNumbers { count: _, min, max, cpu, memory } = *scaling;
    let limits =
        [("min", min, target.min), ("max", max, target.max)].into_iter().filter_map(|(name, requested, actual)| {
            let requested = requested.filter(|requested| *requested != actual)?;
            Some(format!("{name} is {actual}, not {requested}"))
        });
    let metrics =
        [("cpu", cpu, "ECSServiceAverageCPUUtilization"), ("memory", memory, "ECSServiceAverageMemoryUtilization")];
    let targets = metrics.into_iter().filter_map(|(name, requested, metric)| {
        let requested = f64::from(requested?);
        let policies: Vec<f64> =
            target.policies.iter().filter(|policy| policy.metric == metric).map(|policy| policy.target).collect();
        let differs = !policies.iter().any(|actual| (actual - requested).abs() < f64::EPSILON);
        let actual = policies.first().map_or("not set".to_owned(), ToString::to_string);
        differs.then(|| format!("{name} is {actual}, not {requested}"))
    });
    limits.chain(targets).collect()
}
