//! Writes filters in strict syntax, with single spaces and only the parentheses that are needed.

use std::fmt;

use crate::filter::Filter;
use crate::tree::{Node, NodeId, Tree};

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_tree(self.tree(), f)
    }
}

enum Step {
    Node(NodeId),
    Text(&'static str),
}

/// Uses an explicit stack instead of recursion, because a built filter may be nested deeper than a parsed one.
fn write_tree(tree: &Tree, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut steps = vec![Step::Node(tree.root())];
    while let Some(step) = steps.pop() {
        let id = match step {
            Step::Text(text) => {
                f.write_str(text)?;
                continue;
            }
            Step::Node(id) => id,
        };
        match tree.node(id) {
            Node::Compare { path, op, operand } => {
                write!(f, "{} {op} {}", tree.text(*path), tree.literal(operand))?;
            }
            Node::Present { path } => write!(f, "{} pr", tree.text(*path))?,
            Node::Not(inner) => {
                steps.extend([Step::Text(")"), Step::Node(*inner), Step::Text("not (")]);
            }
            Node::ValuePath { path, inner } => {
                write!(f, "{}[", tree.text(*path))?;
                steps.extend([Step::Text("]"), Step::Node(*inner)]);
            }
            Node::And(links) | Node::Or(links) => {
                let conjunction = matches!(tree.node(id), Node::And(_));
                let word = if conjunction { " and " } else { " or " };
                let begin = steps.len();
                for branch in tree.links(*links) {
                    if steps.len() > begin {
                        steps.push(Step::Text(word));
                    }
                    let grouped = match tree.node(branch) {
                        Node::Or(_) => true,
                        Node::And(_) => conjunction,
                        _ => false,
                    };
                    if grouped {
                        steps.extend([Step::Text("("), Step::Node(branch), Step::Text(")")]);
                    } else {
                        steps.push(Step::Node(branch));
                    }
                }
                // The stack is popped from its end, so the first part has to be last.
                steps[begin..].reverse();
            }
        }
    }
    Ok(())
}
