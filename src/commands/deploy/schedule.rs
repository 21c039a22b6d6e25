//! Which stack is deployed when: after those that it needs, beside those that it does not.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::stack::ProjectStack;

/// How a stack's turn ended.
#[derive(Debug)]
pub enum Turn<T, E> {
    /// Done.
    Done(T),
    /// It failed.
    Failed(E),
    /// The user did not approve it, which is an error of the command and no failure of the stack.
    Declined(E),
    /// The checks before the first change found that this deploy cannot work.
    Rejected(E),
    /// It was not begun, because this one was not done.
    NotBegun(String),
}

/// Runs the work of every stack, at most `at_once` at a time. A failure stops only what needs the stack; once `is_stopped`, nothing
/// more is begun. What the stacks need besides each other is taken to be there.
pub async fn in_order<'a, T, E, F: Future<Output = Result<T, E>> + 'a>(
    stacks: &'a [ProjectStack],
    at_once: usize,
    is_stopped: impl Fn() -> bool,
    work: impl Fn(&'a ProjectStack) -> F,
) -> Vec<Turn<T, E>> {
    let mut turns: Vec<Option<Turn<T, E>>> = stacks.iter().map(|_| None).collect();
    let mut begun = vec![false; stacks.len()];
    let mut running = FuturesUnordered::new();
    let needed = |at: usize| {
        let needs = &stacks[at].depends_on;
        let position = |name: &String| stacks.iter().position(|stack| stack.name == *name);
        needs.iter().filter_map(position).collect::<Vec<_>>()
    };
    loop {
        for at in 0..stacks.len() {
            if begun[at] || running.len() >= at_once {
                continue;
            }
            let needs = needed(at);
            let lacking = needs.iter().find(|need| {
                matches!(
                    turns[**need],
                    Some(Turn::Failed(_) | Turn::Declined(_) | Turn::Rejected(_) | Turn::NotBegun(_))
                )
            });
            if let Some(lacking) = lacking {
                (begun[at], turns[at]) = (true, Some(Turn::NotBegun(stacks[*lacking].name.clone())));
            } else if is_stopped() {
                (begun[at], turns[at]) = (true, Some(Turn::NotBegun("the interruption".to_owned())));
            } else if needs.iter().all(|need| matches!(turns[*need], Some(Turn::Done(_)))) {
                begun[at] = true;
                let work = work(&stacks[at]);
                running.push(async move { (at, work.await) });
            }
        }
        match running.next().await {
            Some((at, Ok(done))) => turns[at] = Some(Turn::Done(done)),
            Some((at, Err(error))) => turns[at] = Some(Turn::Failed(error)),
            None if begun.iter().all(|begun| *begun) => break,
            None => {}
        }
    }
    turns.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use indexmap::IndexMap;

    use super::*;
    use crate::stack::StackKind;

    fn stack(name: &str, depends_on: &[&str]) -> ProjectStack {
        let depends_on = depends_on.iter().map(|name| (*name).to_owned()).collect();
        ProjectStack { name: name.to_owned(), kind: StackKind::Platform, tags: IndexMap::new(), depends_on }
    }

    /// The order in which work began and ended; `fails` is the stack that fails.
    async fn story(stacks: &[ProjectStack], at_once: usize, fails: &str) -> (Vec<String>, Vec<String>) {
        let told = RefCell::new(Vec::new());
        let turns = in_order(
            stacks,
            at_once,
            || false,
            |stack| {
                let told = &told;
                async move {
                    told.borrow_mut().push(format!("{} begins", stack.name));
                    tokio::task::yield_now().await;
                    told.borrow_mut().push(format!("{} ends", stack.name));
                    if stack.name == fails { Err("no") } else { Ok(()) }
                }
            },
        )
        .await;
        let ends = turns.into_iter().map(|turn| match turn {
            Turn::Done(()) => "done".to_owned(),
            Turn::Failed(_) => "failed".to_owned(),
            Turn::Declined(_) => "declined".to_owned(),
            Turn::Rejected(_) => "rejected".to_owned(),
            Turn::NotBegun(needed) => format!("not begun: {needed}"),
        });
        (told.into_inner(), ends.collect())
    }

    #[tokio::test]
    async fn what_is_needed_comes_first_and_the_rest_side_by_side() {
        let stacks = [stack("web", &["base"]), stack("base", &["elsewhere"]), stack("other", &[])];
        let (told, ends) = story(&stacks, 4, "").await;
        assert_eq!(told[..2], ["base begins", "other begins"]);
        assert_eq!(told[told.len() - 1], "web ends");
        assert_eq!(ends, ["done", "done", "done"]);
    }

    #[tokio::test]
    async fn one_at_a_time_is_in_the_given_order() {
        let stacks = [stack("a", &[]), stack("b", &[])];
        assert_eq!(story(&stacks, 1, "").await.0, ["a begins", "a ends", "b begins", "b ends"]);
    }

    #[tokio::test]
    async fn a_failure_stops_only_what_needs_it() {
        let stacks = [stack("base", &[]), stack("web", &["base"]), stack("front", &["web"]), stack("other", &[])];
        assert_eq!(story(&stacks, 4, "base").await.1, ["failed", "not begun: base", "not begun: web", "done"]);
    }
}
