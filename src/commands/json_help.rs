//! The description of `--output json` in each command's `--help`. `tests/it/json.rs` compares it with the output.

/// deploy, scale and destroy.
pub(super) const EVENTS: &str = "With --output json, one event per line, each with schema, event and:
  started        stack, operation (create, update, roll_back or delete)
  no_changes     stack
  prepared       stack, change_set (its ARN)
  resource       stack, done, total, timestamp, status, resource_type, logical_id, path, physical_id, reason
  in_progress    stack, done, total, resources (without a new event for a while)
  rollout        service, deployments (id, status, task_definition, created, desired, running, pending, failed,
                 rollout_state, rollout_reason)
  service_event  service, timestamp, message
  task_stopped   service, task, cause, count (of tasks that stopped for this cause)
  task_log       service, task, container, lines (its last; once per cause)
  stuck          service, cause (for which tasks keep stopping)
  note           message
  finished       stack, operation, arn, outputs (by key), seconds
  done           no more members; it is the last event
  failed         exit (the code), message; it is the last event";

pub(super) const DIFF: &str = "With --output json, one object: schema, stacks. Each stack has: stack, different, broadens_permissions, notes (what the
templates do not show) and
  resources  logical_id, path, type, impact (none, update, create, orphan, may_replace, replace or destroy), old, new,
             properties (name, old, new, impact)
  other      section, name, old, new
  security   statements, managed_policies, ingress and egress, each with added and removed:
             sid, effect, actions, not_actions, resources, not_resources, principals, not_principals, condition;
             identity, arn; group, protocol, peer";

pub(super) const STATUS: &str = "With --output json, one object, with --watch one per line for each change; for several services an object with services, a
list of such objects. Each has schema, cluster, service, status, steady, desired, running, pending, url, notes and
  summary      phase (steady, rolling_out, scaling, failing, draining or missing), text
  deployments  id, status, task_definition, created, desired, running, pending, failed, rollout_state, rollout_reason
  tasks        id, last_status, health, task_definition, started, stopped, private_ip, stopped_reason,
               containers (name, last_status, exit_code, reason)
  stopped      cause, count, recent (of the last five minutes), last, task, exit_code, lines (of the last task for this cause)
  scaling      min, max, suspended, policies (metric, target), activities (started, status, description, cause)
  discovery    name, instances (id, address, port)
  events       id, timestamp, message";

pub(super) const LOGS: &str = "With --output json, one event per line: schema, event (log), id (not of events of --live), stream, timestamp,
ingestion_time, message; result (with --query), source (service or log group) if there are several, and late (true) if it was
ingested late and newer events were printed before. With --previous, also before the events of each task: event (stopped_task),
service, task (as in the output of `status`).
`logs groups`: schema, groups (name, retention_days, stored_bytes). `logs streams`: schema, streams (name, last_event).";

pub(super) const LS: &str = "With --output json, one object: schema, stacks. Each has name, status (null if it is not deployed), updated, and service
(an object as in the output of `status`, or null).";

pub(super) const INIT: &str = "With --output json, one object: schema, wrote (the file).";

#[cfg(all(unix, feature = "sandbox"))]
pub(super) const SANDBOX: &str = "With --output json, each prints one object with schema and:
  start     running, url, account, region, pid, started_at, version
  status    running; if true, also the members of start, memory_bytes, disk_bytes, log_bytes, max_log_bytes, state_dir and
              stacks    name, status
              services  cluster, name, desired, running
              tasks     cluster, id, group, status, started_at, processes, memory_bytes
              sessions  id, target, since
  logs      one event per line: event (sandbox_log), timestamp, message
  faults    operations, resources, logs, as in FAULTS, with injected (how often each was)
  stop      stopped (false if none was running)
  reset     reset
  env       variables (by name)
  coverage  operations, resource_types, functions";
