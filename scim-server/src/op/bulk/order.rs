//! In which order the operations of a bulk request are done: their own, except that each waits for what it refers
//! to, and that operations on one resource keep their order (BULK-015).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use scim_core::BulkMethod;

use super::entry::Entry;

/// What is done next.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// This operation.
    One(usize),
    /// These creates, which refer to each other.
    Circle(Vec<usize>),
}

pub(super) fn order(entries: &[Entry]) -> Vec<Step> {
    let mut graph = Graph::of(entries);
    let mut steps = Vec::new();
    while !graph.waits_for.is_empty() {
        while let Some(Reverse(next)) = graph.ready.pop() {
            steps.push(Step::One(next));
            graph.done(&[next]);
        }
        for circle in graph.circles() {
            graph.done(&circle);
            steps.push(Step::Circle(circle));
        }
    }
    steps
}

struct Graph {
    /// What each operation that is not done yet waits for.
    waits_for: BTreeMap<usize, BTreeSet<usize>>,
    /// What waits for it.
    waiting: Vec<Vec<usize>>,
    ready: BinaryHeap<Reverse<usize>>,
}

impl Graph {
    fn of(entries: &[Entry]) -> Self {
        let mut last_on: BTreeMap<&str, usize> = BTreeMap::new();
        let mut graph = Self {
            waits_for: BTreeMap::new(),
            waiting: vec![Vec::new(); entries.len()],
            ready: BinaryHeap::new(),
        };
        for (at, entry) in entries.iter().enumerate() {
            let mut waits_for = entry.needs.clone();
            if entry.method != BulkMethod::Post {
                waits_for.extend(last_on.insert(entry.path.trim_matches('/'), at));
            }
            for other in &waits_for {
                graph.waiting[*other].push(at);
            }
            if waits_for.is_empty() {
                graph.ready.push(Reverse(at));
            }
            graph.waits_for.insert(at, waits_for);
        }
        graph
    }

    fn done(&mut self, operations: &[usize]) {
        for at in operations {
            self.waits_for.remove(at);
        }
        for at in operations {
            for waiting in std::mem::take(&mut self.waiting[*at]) {
                if let Some(left) = self.waits_for.get_mut(&waiting)
                    && left.remove(at)
                    && left.is_empty()
                {
                    self.ready.push(Reverse(waiting));
                }
            }
        }
    }

    /// Nothing is ready: what is left are circles and what waits for them.
    fn circles(&self) -> Vec<Vec<usize>> {
        let mut left: BTreeSet<usize> = self.waits_for.keys().copied().collect();
        let mut awaited: BTreeMap<usize, usize> = BTreeMap::new();
        for other in self.waits_for.values().flatten() {
            *awaited.entry(*other).or_default() += 1;
        }
        // What nobody waits for is in no circle.
        let mut outside: Vec<usize> = left.iter().copied().filter(|at| !awaited.contains_key(at)).collect();
        while let Some(at) = outside.pop() {
            left.remove(&at);
            for other in &self.waits_for[&at] {
                if let Some(count) = awaited.get_mut(other) {
                    *count -= 1;
                    if *count == 0 {
                        outside.push(*other);
                    }
                }
            }
        }
        let mut circles = Vec::new();
        while let Some(first) = left.pop_first() {
            let (mut circle, mut reached) = (vec![first], vec![first]);
            while let Some(at) = reached.pop() {
                let waiting = self.waiting[at].iter();
                let near: Vec<usize> = self.waits_for[&at].iter().chain(waiting).copied().collect();
                let near: Vec<usize> = near.into_iter().filter(|other| left.remove(other)).collect();
                circle.extend(&near);
                reached.extend(near);
            }
            circle.sort_unstable();
            circles.push(circle);
        }
        circles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(entries: &[(&str, &[usize])]) -> Vec<Entry> {
        let entry = |(path, needs): &(&str, &[usize])| Entry {
            method: if path.is_empty() { BulkMethod::Post } else { BulkMethod::Put },
            path: (*path).to_owned(),
            needs: needs.iter().copied().collect(),
            ..Entry::default()
        };
        entries.iter().map(entry).collect()
    }

    #[test]
    fn bulk_015_bulk_016_orders() {
        use Step::{Circle, One};
        let order = |list: &[(&str, &[usize])]| order(&entries(list));
        assert_eq!(order(&[("", &[]), ("", &[]), ("/a", &[])]), [One(0), One(1), One(2)]);
        assert_eq!(order(&[("", &[2]), ("/a", &[]), ("", &[])]), [One(1), One(2), One(0)]);
        assert_eq!(order(&[("/a", &[2]), ("/a", &[]), ("", &[])]), [One(2), One(0), One(1)]);
        assert_eq!(order(&[("", &[0])]), [Circle(vec![0])]);
        let list: &[(&str, &[usize])] =
            &[("", &[1]), ("", &[0]), ("", &[3]), ("", &[2]), ("", &[1]), ("/a", &[4]), ("/a", &[])];
        let expected = [Circle(vec![0, 1]), Circle(vec![2, 3]), One(4), One(5), One(6)];
        assert_eq!(order(list), expected);
        let chain: Vec<(&str, Vec<usize>)> = (0..20_000).map(|at| ("", vec![at + 1])).collect();
        let mut chain: Vec<(&str, &[usize])> =
            chain.iter().map(|(path, needs)| (*path, &needs[..])).collect();
        chain.push(("", &[]));
        assert_eq!(order(&chain).first(), Some(&One(20_000)), "no depth overflows the stack");
    }
}
