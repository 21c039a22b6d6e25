//! Publishes how much of their reserved resources services use: `CPUUtilization` and `MemoryUtilization` in `AWS/ECS`.
//!
//! Source: "Amazon ECS service utilization metrics" in the developer guide: once a minute, in percent of the task's CPU and
//! memory, or of its containers' sums (the soft limit before the hard one); `Average`, `Minimum` and `Maximum` are over the
//! tasks. Only the dimensions `ClusterName` and `ServiceName` together: those of a cluster alone are of the EC2 launch type.
//!
//! A minute is shorter with `--speed`. It begins and ends at whole minutes of the clock, or at even fractions of them, so that
//! each period of an alarm has a data point.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::model::{Container, Task, TaskStatus};
use super::task_processes::TaskUsage;
use crate::Sandbox;
use crate::base::supervisor;
use crate::services::cloudwatch::{self, Datum, Dimension, Measurements};
use crate::services::ecs::{State, TaskProcesses};

const MIB: f64 = 1024.0 * 1024.0;
/// Twice the unit that `/proc` counts CPU time in: one of them at each end.
const READING_ERROR: Duration = Duration::from_millis(20);
/// CPU units of one core.
const CORE: f64 = 1024.0;

/// The CPU time that each task had used at the last measurement, by its key.
type TaskCpuTimes = BTreeMap<String, (Duration, Instant)>;

/// The percentages of one service's tasks.
#[derive(Debug, Default)]
struct Percentages {
    cpu: Vec<f64>,
    memory: Vec<f64>,
}

/// Starts the loop that publishes the utilization metrics.
pub(crate) fn publish_utilization(sandbox: &Arc<Sandbox>) {
    sandbox.spawn_loop("the utilization of services", |shared| async move {
        let mut measurements = TaskCpuTimes::new();
        loop {
            let (start, rest) = current_minute(&shared);
            tokio::time::sleep(rest).await;
            let sandbox = Arc::clone(&shared);
            // It reads many small files, and writes to disk.
            measurements = supervisor::blocking(move || measure(&sandbox, &measurements, start)).await;
        }
    });
}

/// The start of the current minute, and the time until its end.
fn current_minute(sandbox: &Sandbox) -> (Timestamp, Duration) {
    let length = cloudwatch::wall_clock_millis(sandbox.clock, Duration::from_mins(1));
    let now = sandbox.clock.now().as_millisecond();
    let start = now.div_euclid(length) * length;
    let rest = Duration::from_millis(start.saturating_add(length).saturating_sub(now).unsigned_abs());
    (Timestamp::from_millisecond(start).unwrap_or_default(), rest)
}

/// Measures usage, and publishes what was used since the last measurement.
fn measure(sandbox: &Sandbox, last: &TaskCpuTimes, start: Timestamp) -> TaskCpuTimes {
    let tasks: Vec<(String, Task)> = sandbox.store.read(|states| {
        let running = states.of::<State>().tasks.iter().filter(|(_, task)| task.last_status == TaskStatus::Running);
        running.filter(|(_, task)| task.service.is_some()).map(|(key, task)| (key.to_owned(), task.clone())).collect()
    });
    if tasks.is_empty() {
        return TaskCpuTimes::new();
    }
    let usage = sandbox.in_memory::<TaskProcesses>().usage();
    let now = Instant::now();
    let (mut measurements, mut services) = (TaskCpuTimes::new(), BTreeMap::<(String, String), Percentages>::new());
    for (key, task) in tasks {
        // Tasks whose processes are not visible are left out, such as the containers of an engine on another machine.
        let Some(usage) = usage.get(&key) else { continue };
        let service = services.entry((task.cluster.clone(), task.service.clone().unwrap_or_default())).or_default();
        service.cpu.extend(last.get(&key).and_then(|(cpu, at)| cpu_percent(&task, usage.cpu, *cpu, now - *at)));
        service.memory.extend(memory_percent(&task, usage));
        measurements.insert(key, (usage.cpu, now));
    }
    // Data points that cannot be written are missing in the metric.
    let _ = cloudwatch::put(sandbox, "AWS/ECS", data(&services, start));
    measurements
}

/// Fargate limits a task to its size: an excess within the reading error counts as the full size.
fn cpu_percent(task: &Task, now: Duration, before: Duration, elapsed: Duration) -> Option<f64> {
    let own = |container: &Container| f64::from(container.cpu);
    let reserved = reserved(task.cpu.as_deref(), &task.containers, own)?;
    let size = Duration::try_from_secs_f64(elapsed.as_secs_f64() * reserved / CORE).unwrap_or(Duration::MAX);
    let used = now.saturating_sub(before);
    let used = if used.saturating_sub(size) <= READING_ERROR { used.min(size) } else { used };
    Some(used.as_secs_f64() / size.as_secs_f64() * 100.0).filter(|percent| percent.is_finite())
}

#[expect(clippy::cast_precision_loss, reason = "bytes of RAM fit a double's 53 bits")]
fn memory_percent(task: &Task, usage: &TaskUsage) -> Option<f64> {
    let own = |container: &Container| f64::from(container.memory_reservation.or(container.memory).unwrap_or_default());
    let reserved = reserved(task.memory.as_deref(), &task.containers, own)?;
    Some(usage.bytes as f64 / MIB / reserved * 100.0)
}

/// What a task reserves as a whole, or else the sum of its containers; none if that is zero.
fn reserved(task_units: Option<&str>, containers: &[Container], own: impl Fn(&Container) -> f64) -> Option<f64> {
    let task_units = task_units.and_then(|units| units.parse::<f64>().ok());
    task_units.or_else(|| Some(containers.iter().map(own).sum())).filter(|units| *units > 0.0)
}

fn data(services: &BTreeMap<(String, String), Percentages>, start: Timestamp) -> Vec<Datum> {
    let service_metrics = |((cluster, service), percentages): (&(String, String), &Percentages)| {
        let dimension = |name: &str, value: &str| Dimension { name: name.to_owned(), value: value.to_owned() };
        let dimensions = [dimension("ClusterName", cluster), dimension("ServiceName", service)];
        let metrics = [("CPUUtilization", &percentages.cpu), ("MemoryUtilization", &percentages.memory)];
        metrics.map(|(name, percentages)| {
            Some(Datum {
                metric_name: name.to_owned(),
                dimensions: dimensions.to_vec(),
                timestamp: start.as_millisecond(),
                unit: "Percent".to_owned(),
                values: Measurements::summarize(percentages)?,
            })
        })
    };
    services.iter().flat_map(service_metrics).flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use serde_json::json;

    use super::{TaskUsage, cpu_percent, memory_percent};
    use crate::services::ecs::model::{Task, TaskDefinition};

    fn task(has_task_size: bool, containers: &serde_json::Value) -> Task {
        let size = |units: &str| has_task_size.then(|| units.to_owned());
        let content = json!({ "cpu": size("512"), "memory": size("1024"), "containerDefinitions": containers });
        let definition: TaskDefinition = serde_json::from_value(json!({
            "family": "web", "revision": 1, "registered_at": "2026-01-01T00:00:00Z", "content": content, "tags": [],
        }))
        .expect("a definition");
        Task::new("demo".to_owned(), &definition, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn percentages_are_of_the_task_or_else_of_its_containers() {
        let containers = json!([
            { "name": "a", "image": "a", "cpu": 256, "memory": 512, "memoryReservation": 128 },
            { "name": "b", "image": "b", "cpu": 768, "memory": 384 },
        ]);
        let percents = |task: &Task| {
            let usage = TaskUsage { cpu: Duration::from_secs(20), bytes: 256 * 1024 * 1024 };
            let cpu = cpu_percent(task, usage.cpu, Duration::from_secs(5), Duration::from_mins(1));
            (cpu, memory_percent(task, &usage))
        };
        assert_eq!(percents(&task(true, &containers)), (Some(50.0), Some(25.0)));
        let used = |millis| {
            let used = Duration::from_millis(millis);
            cpu_percent(&task(true, &containers), used, Duration::ZERO, Duration::from_mins(1)).map(f64::round)
        };
        assert_eq!((used(30_020), used(33_000)), (Some(100.0), Some(110.0)), "full, and really more than that");
        assert_eq!(percents(&task(false, &containers)), (Some(25.0), Some(50.0)));
        assert_eq!(percents(&task(false, &json!([{ "name": "a", "image": "a" }]))), (None, None));
    }
}
