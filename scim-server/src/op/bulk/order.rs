//! The order in which the operations of a bulk request are carried out. It is their own, except that an operation comes
//! just after those that it refers to. Operations on one resource keep their order.

// BULK-015

use std::collections::{BTreeMap, BTreeSet};

use scim_core::BulkMethod;

use super::entry::Entry;

/// The next step.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// This operation.
    One(usize),
    /// These creates, which refer to each other.
    Circle(Vec<usize>),
}

/// Orders the operations: the first in the list comes first, and what it waits for just before it.
pub(super) fn order(entries: &[Entry]) -> Vec<Step> {
    let waits_for = waits_for(entries);
    let step = |part: Vec<usize>| match part.as_slice() {
        &[at] if !waits_for[at].contains(&at) => Step::One(at),
        _ => Step::Circle(part),
    };
    parts(&waits_for).into_iter().map(step).collect()
}

/// Returns what each operation waits for: what it needs, and what came before it on its resource.
fn waits_for(entries: &[Entry]) -> Vec<BTreeSet<usize>> {
    let mut last_on: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let waits = entries.iter().enumerate().map(|(at, entry)| {
        let mut waits_for = entry.needs.clone();
        if entry.method != BulkMethod::Post {
            waits_for.extend(last_on.insert(entry.segments(), at));
        }
        waits_for
    });
    waits.collect()
}

/// Returns the strongly connected components (Tarjan), each sorted. A component is one operation, or a circle with
/// everything that is in a circle with it. If one circle only needs another, they are two components. A component comes
/// after those that it waits for.
fn parts(waits_for: &[BTreeSet<usize>]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let count = waits_for.len();
    let (mut number, mut lowest, mut open) = (vec![UNSEEN; count], vec![UNSEEN; count], vec![false; count]);
    let (mut seen, mut stack, mut parts) = (0, Vec::new(), Vec::new());
    for root in 0..count {
        if number[root] != UNSEEN {
            continue;
        }
        // No recursion, because a chain may be as long as the request.
        let mut path = vec![(root, waits_for[root].iter())];
        while let Some((at, others)) = path.last_mut() {
            let at = *at;
            if number[at] == UNSEEN {
                (number[at], lowest[at], open[at]) = (seen, seen, true);
                seen += 1;
                stack.push(at);
            }
            match others.next() {
                Some(other) if number[*other] == UNSEEN => path.push((*other, waits_for[*other].iter())),
                Some(other) if open[*other] => lowest[at] = lowest[at].min(number[*other]),
                Some(_) => {}
                None => {
                    path.pop();
                    if let Some((below, _)) = path.last() {
                        lowest[*below] = lowest[*below].min(lowest[at]);
                    }
                    if lowest[at] == number[at] {
                        let begins = stack.iter().rposition(|other| *other == at).unwrap_or_default();
                        let mut part = stack.split_off(begins);
                        part.iter().for_each(|other| open[*other] = false);
                        part.sort_unstable();
                        parts.push(part);
                    }
                }
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(entries: &[(&str, &[usize])]) -> Vec<Entry> {
        let entry = |(path, needs): &(&str, &[usize])| {
            let method = if path.is_empty() { "POST" } else { "PUT" };
            let operation = serde_json::json!({"method": method, "path": path});
            let read = Entry::read(0, operation, scim_core::Lenience::strict());
            Entry { needs: needs.iter().copied().collect(), ..read }
        };
        entries.iter().map(entry).collect()
    }

    #[test]
    fn bulk_015_bulk_016_orders() {
        use Step::{Circle, One};
        let order = |list: &[(&str, &[usize])]| order(&entries(list));
        assert_eq!(order(&[("", &[]), ("", &[]), ("/a", &[])]), [One(0), One(1), One(2)]);
        assert_eq!(order(&[("", &[2]), ("/a", &[]), ("", &[])]), [One(2), One(0), One(1)]);
        assert_eq!(order(&[("/a", &[2]), ("/a", &[]), ("", &[])]), [One(2), One(0), One(1)]);
        assert_eq!(order(&[("", &[0])]), [Circle(vec![0])]);
        let list: &[(&str, &[usize])] =
            &[("", &[1]), ("", &[0]), ("", &[3]), ("", &[2]), ("", &[1]), ("/a", &[4]), ("/a", &[])];
        let expected = [Circle(vec![0, 1]), Circle(vec![2, 3]), One(4), One(5), One(6)];
        assert_eq!(order(list), expected);
        // One of two circles needs the other, and an operation between them is in neither.
        let list: &[(&str, &[usize])] = &[("", &[1, 2]), ("", &[0]), ("", &[3]), ("", &[4]), ("", &[3])];
        assert_eq!(order(list), [Circle(vec![3, 4]), One(2), Circle(vec![0, 1])]);
        assert_eq!(order(&[("/a%62", &[2]), ("//ab/", &[]), ("", &[])]), [One(2), One(0), One(1)]);
        let chain: Vec<(&str, Vec<usize>)> = (0..20_000).map(|at| ("", vec![at + 1])).collect();
        let mut chain: Vec<(&str, &[usize])> =
            chain.iter().map(|(path, needs)| (*path, &needs[..])).collect();
        chain.push(("", &[]));
        assert_eq!(order(&chain).first(), Some(&One(20_000)), "no depth overflows the stack");
    }
}
