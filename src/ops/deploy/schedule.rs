//! Runs stacks in dependency order, independent ones concurrently.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::outcome::StackOutcome;
use super::request::StackInputs;

/// Runs the work of every stack, at most `concurrency` concurrently; `work` gets whether the stack had to wait for others. A failure skips only the dependents of the stack; after a cancellation no
/// more work is started. Dependencies outside of these stacks count as deployed.
pub(super) async fn in_order<'a, E, F: AsyncFn(&'a StackInputs<'a>, bool) -> StackOutcome<E>>(
    stacks: &'a [StackInputs<'a>],
    concurrency: usize,
    is_cancelled: impl Fn() -> bool,
    work: F,
) -> Vec<StackOutcome<E>> {
    let mut outcomes: Vec<Option<StackOutcome<E>>> = stacks.iter().map(|_| None).collect();
    let mut started = vec![false; stacks.len()];
    let mut running = FuturesUnordered::new();
    let needs = |index: usize| {
        let position = |name: &String| stacks.iter().position(|inputs| inputs.stack.name == *name);
        stacks[index].stack.depends_on.iter().filter_map(position).collect::<Vec<_>>()
    };
    let is_deployed = |outcome: &Option<StackOutcome<E>>| matches!(outcome, Some(StackOutcome::Deployed(_)));
    let mut has_waited = false;
    loop {
        for index in 0..stacks.len() {
            if started[index] || running.len() >= concurrency {
                continue;
            }
            let needs = needs(index);
            let missing = needs.iter().find(|need| outcomes[**need].is_some() && !is_deployed(&outcomes[**need]));
            if let Some(missing) = missing {
                (started[index], outcomes[index]) =
                    (true, Some(StackOutcome::Skipped(stacks[*missing].stack.name.clone())));
            } else if is_cancelled() {
                (started[index], outcomes[index]) = (true, Some(StackOutcome::NotStarted));
            } else if needs.iter().all(|need| is_deployed(&outcomes[*need])) {
                started[index] = true;
                let work = work(&stacks[index], has_waited);
                running.push(async move { (index, work.await) });
            }
        }
        has_waited = true;
        match running.next().await {
            Some((index, outcome)) => outcomes[index] = Some(outcome),
            None if started.iter().all(|started| *started) => break,
            None => {}
        }
    }
    outcomes.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use indexmap::IndexMap;

    use super::*;
    use crate::model::Stack;
    use crate::ops::deploy::outcome::{DeployResult, Deployed};
    use crate::stack::{ProjectStack, StackKind, Template};

    fn stack(name: &str, needs: &[&str]) -> ProjectStack {
        let depends_on = needs.iter().map(|need| (*need).to_owned()).collect();
        ProjectStack { name: name.to_owned(), kind: StackKind::Platform, tags: IndexMap::new(), depends_on }
    }

    /// The order in which work started and ended, and the outcomes; `fails` is the stack that fails.
    async fn run(stacks: &[ProjectStack], concurrency: usize, fails: &str) -> (Vec<String>, Vec<String>) {
        let inputs = stacks.iter().map(|stack| StackInputs {
            stack,
            tags: Vec::new(),
            parameters: BTreeMap::new(),
            required_parameters: Vec::new(),
        });
        let (inputs, log): (Vec<_>, _) = (inputs.collect(), RefCell::new(Vec::new()));
        let work = async |inputs: &StackInputs<'_>, has_waited: bool| {
            let name = &inputs.stack.name;
            log.borrow_mut().push(format!("{name} begins{}", if has_waited { " after waiting" } else { "" }));
            tokio::task::yield_now().await;
            log.borrow_mut().push(format!("{name} ends"));
            if name == fails {
                return StackOutcome::Failed("no");
            }
            StackOutcome::Deployed(Box::new(Deployed {
                stack: Stack::default(),
                template: Template::default(),
                result: DeployResult::NoChanges,
            }))
        };
        let outcomes = in_order(&inputs, concurrency, || false, work).await;
        let outcomes = outcomes.into_iter().map(|outcome| match outcome {
            StackOutcome::Deployed(_) => "deployed".to_owned(),
            StackOutcome::Failed(_) => "failed".to_owned(),
            StackOutcome::Skipped(need) => format!("skipped: {need}"),
            other => format!("{other:?}"),
        });
        (log.take(), outcomes.collect())
    }

    #[tokio::test]
    async fn needed_stacks_come_first_and_the_rest_side_by_side() {
        let stacks = [stack("web", &["base"]), stack("base", &["elsewhere"]), stack("other", &[])];
        let (log, outcomes) = run(&stacks, 4, "").await;
        assert_eq!(log[..2], ["base begins", "other begins"]);
        assert_eq!(log[log.len() - 1], "web ends");
        assert_eq!(outcomes, ["deployed", "deployed", "deployed"]);
    }

    #[tokio::test]
    async fn one_at_a_time_is_in_the_given_order() {
        let stacks = [stack("a", &[]), stack("b", &[])];
        assert_eq!(run(&stacks, 1, "").await.0, ["a begins", "a ends", "b begins after waiting", "b ends"]);
    }

    #[tokio::test]
    async fn a_failure_stops_only_what_needs_it() {
        let stacks = [stack("base", &[]), stack("web", &["base"]), stack("front", &["web"]), stack("other", &[])];
        assert_eq!(run(&stacks, 4, "base").await.1, ["failed", "skipped: base", "skipped: web", "deployed"]);
    }
}
