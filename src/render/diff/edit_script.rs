//! The shortest edit script between two texts, line by line.
//!
//! Where several scripts are shortest, the result is that of jsdiff, the library of `cdk diff`: it prefers the path that is farther in the old
//! text.

use std::collections::HashMap;
use std::rc::Rc;

/// The edit of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEdit {
    Keep,
    Remove,
    Add,
}

/// A path through the edit graph: the number of consumed old lines, and the steps, last first.
#[derive(Clone)]
struct Path {
    old: usize,
    steps: Option<Rc<Step>>,
}

struct Step {
    edit: LineEdit,
    before: Option<Rc<Step>>,
}

impl Path {
    fn then(&self, edit: LineEdit) -> Self {
        let old = if edit == LineEdit::Add { self.old } else { self.old + 1 };
        Self { old, steps: Some(Rc::new(Step { edit, before: self.steps.clone() })) }
    }

    fn edits(&self) -> Vec<LineEdit> {
        let steps = std::iter::successors(self.steps.as_deref(), |step| step.before.as_deref());
        let mut edits: Vec<LineEdit> = steps.map(|step| step.edit).collect();
        edits.reverse();
        edits
    }
}

/// The edits from `old` to `new`. A diagonal's number is the difference between consumed old and new lines.
pub(super) fn script(old: &[&str], new: &[&str]) -> Vec<LineEdit> {
    let passed_new = |path: &Path, diagonal: isize| path.old.checked_add_signed(-diagonal);
    let follow = |mut path: Path, diagonal: isize| {
        while let Some(at) = passed_new(&path, diagonal)
            && path.old < old.len()
            && at < new.len()
            && old[path.old] == new[at]
        {
            path = path.then(LineEdit::Keep);
        }
        path
    };
    let start = follow(Path { old: 0, steps: None }, 0);
    let is_end = |path: &Path, diagonal| path.old >= old.len() && passed_new(path, diagonal) >= Some(new.len());
    if is_end(&start, 0) {
        return start.edits();
    }
    let mut best: HashMap<isize, Path> = HashMap::from([(0, start)]);
    let (mut lowest, mut highest) = (isize::MIN, isize::MAX);
    for length in 1isize.. {
        let first = lowest;
        for diagonal in (-length..=length).step_by(2) {
            if diagonal < first || diagonal > highest {
                continue;
            }
            let removing = best.remove(&(diagonal - 1)).filter(|path| path.old < old.len());
            let adding = best
                .get(&(diagonal + 1))
                .filter(|path| passed_new(path, diagonal + 1).is_some_and(|at| at < new.len()));
            let step = match (removing, adding) {
                (Some(removing), Some(adding)) if removing.old >= adding.old => removing.then(LineEdit::Remove),
                (_, Some(adding)) => adding.then(LineEdit::Add),
                (Some(removing), None) => removing.then(LineEdit::Remove),
                (None, None) => {
                    best.remove(&diagonal);
                    continue;
                }
            };
            let path = follow(step, diagonal);
            if is_end(&path, diagonal) {
                return path.edits();
            }
            if path.old >= old.len() {
                highest = highest.min(diagonal - 1);
            }
            if passed_new(&path, diagonal) >= Some(new.len()) {
                lowest = lowest.max(diagonal + 1);
            }
            best.insert(diagonal, path);
        }
    }
    unreachable!("removing every old line and adding every new one is an edit script")
}
