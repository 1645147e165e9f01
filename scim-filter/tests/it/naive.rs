//! A naive evaluator, as plain as possible: it works on the syntax and the JSON, without binding, folding in advance or
//! planning. The real evaluator must agree.

use std::cmp::Ordering;
use std::sync::Arc;

use scim_core::{Attribute, DateTime, Lenience, Leniency, Resolved, ResourceType, Type, fold};
use scim_filter::{CompareOp, Expr, Filter, Literal};
use serde_json::{Number, Value};

/// Whether the resource, as it is returned, matches. `None` for relations and references to resources, which are not
/// covered here.
pub(crate) fn matches(
    filter: &Filter,
    resource_type: &ResourceType,
    leniency: &Leniency,
    resource: &Value,
) -> Option<bool> {
    holds(filter.root(), &Scope::Resource(resource_type, leniency, resource))
}

/// The scope in which paths are looked up.
enum Scope<'a> {
    Resource(&'a ResourceType, &'a Leniency, &'a Value),
    Element(&'a Arc<Attribute>, &'a Value),
}

/// The attribute that a path names, and its values in the scope.
#[derive(Default)]
struct Found<'a> {
    /// `None` if the resource cannot have the attribute, and so has no values.
    leaf: Option<Arc<Attribute>>,
    values: Vec<&'a Value>,
    /// Whether the attribute is the `primary` of elements, of which at least one lacks it. That one is not primary.
    not_primary: bool,
}

fn holds(expression: Expr<'_>, scope: &Scope<'_>) -> Option<bool> {
    match expression {
        Expr::And(branches) => {
            let all = branches.map(|branch| holds(branch.expr(), scope)).collect::<Option<Vec<_>>>()?;
            Some(all.into_iter().all(|holds| holds))
        }
        Expr::Or(branches) => {
            let all = branches.map(|branch| holds(branch.expr(), scope)).collect::<Option<Vec<_>>>()?;
            Some(all.into_iter().any(|holds| holds))
        }
        Expr::Not(inner) => Some(!holds(inner.expr(), scope)?),
        Expr::Present { path } => Some(is_present(&find(path, scope)?)),
        Expr::Compare { path, op: CompareOp::Eq, value: Literal::Null } => {
            Some(!is_present(&find(path, scope)?))
        }
        Expr::Compare { path, op: CompareOp::Ne, value: Literal::Null } => {
            Some(is_present(&find(path, scope)?))
        }
        Expr::Compare { path, op: CompareOp::Ne, value } => {
            Some(!any_compares(find(path, scope)?, CompareOp::Eq, &value)?)
        }
        Expr::Compare { path, op, value } => any_compares(find(path, scope)?, op, &value),
        Expr::ValuePath { path, inner } => {
            let Found { leaf: Some(leaf), values, .. } = find(path, scope)? else { return Some(false) };
            let each = values.into_iter().map(|element| holds(inner.expr(), &Scope::Element(&leaf, element)));
            Some(each.collect::<Option<Vec<_>>>()?.contains(&true))
        }
    }
}

fn find<'a>(path: &str, scope: &Scope<'a>) -> Option<Found<'a>> {
    match scope {
        Scope::Resource(resource_type, leniency, resource) => {
            let lenience = &mut Lenience::new(**leniency);
            let Ok(Resolved::Attribute(attr)) = resource_type.resolve_with(path, lenience) else {
                return Some(Found::default());
            };
            if resource_type.relation(&attr.attribute().name).is_some() {
                return None;
            }
            let holder = match attr.extension() {
                None => Some(*resource),
                Some(urn) => resource.get(&**urn),
            };
            let mut values: Vec<&Value> =
                holder.and_then(|holder| holder.get(&attr.attribute().name)).map(flat).unwrap_or_default();
            let mut not_primary = false;
            if let Some(sub) = attr.sub() {
                not_primary = sub.name == "primary"
                    && attr.attribute().multi_valued
                    && values.iter().any(|element| element.get("primary").is_none());
                values = values.into_iter().filter_map(|value| value.get(&sub.name)).flat_map(flat).collect();
            }
            Some(Found { leaf: Some(Arc::clone(attr.leaf())), values, not_primary })
        }
        Scope::Element(attribute, element) => match attribute.sub_attribute(path) {
            Some(sub) => {
                let values = element.get(&sub.name).map(flat).unwrap_or_default();
                let not_primary =
                    sub.name == "primary" && attribute.multi_valued && element.get("primary").is_none();
                Some(Found { leaf: Some(Arc::clone(sub)), values, not_primary })
            }
            None if !attribute.is_complex() && path.eq_ignore_ascii_case("value") => {
                Some(Found { leaf: Some(Arc::clone(attribute)), values: vec![element], not_primary: false })
            }
            None => Some(Found::default()),
        },
    }
}

fn flat(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        single => vec![single],
    }
}

fn is_present(found: &Found<'_>) -> bool {
    found.values.iter().any(|value| !is_empty(value))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.iter().all(is_empty),
        Value::Object(members) => members.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn any_compares(found: Found<'_>, op: CompareOp, operand: &Literal<'_>) -> Option<bool> {
    let Found { leaf: Some(leaf), values, not_primary } = found else { return Some(false) };
    if leaf.r#type == Type::Complex {
        let value = leaf.sub_attribute("value")?;
        let values = values.into_iter().filter_map(|element| element.get("value")).flat_map(flat).collect();
        let found = Found { leaf: Some(Arc::clone(value)), values, not_primary };
        return any_compares(found, op, operand);
    }
    if leaf.r#type == Type::Reference && leaf.reference_types.iter().any(|kind| kind != "external") {
        return None;
    }
    let assumed = not_primary.then_some(&Value::Bool(false));
    Some(values.into_iter().chain(assumed).any(|value| compares(&leaf, value, op, operand)))
}

fn compares(leaf: &Attribute, value: &Value, op: CompareOp, operand: &Literal<'_>) -> bool {
    match (leaf.r#type, value, operand) {
        (Type::Boolean, Value::Bool(value), Literal::Boolean(operand)) => value == operand,
        (Type::Boolean, Value::Bool(value), Literal::String(operand)) => {
            operand.eq_ignore_ascii_case(&value.to_string())
        }
        (Type::Integer | Type::Decimal, Value::Number(value), Literal::Number(operand)) => {
            orders(op, numbers(value, operand))
        }
        (Type::DateTime, Value::String(value), Literal::String(operand)) => {
            match (value.parse::<DateTime>(), operand.parse::<DateTime>()) {
                (Ok(value), Ok(operand)) => orders(op, value.cmp(&operand)),
                _ => false,
            }
        }
        (Type::Binary, Value::String(value), Literal::String(operand)) => bits(value) == bits(operand),
        (Type::String, Value::String(value), Literal::String(operand)) if !leaf.case_exact => {
            texts(&fold(value), op, &fold(operand))
        }
        (Type::String | Type::Reference, Value::String(value), Literal::String(operand)) => {
            texts(value, op, operand)
        }
        _ => false,
    }
}

fn texts(value: &str, op: CompareOp, operand: &str) -> bool {
    match op {
        CompareOp::Co => value.contains(operand),
        CompareOp::Sw => value.starts_with(operand),
        CompareOp::Ew => value.ends_with(operand),
        op => orders(op, value.chars().cmp(operand.chars())),
    }
}

fn orders(op: CompareOp, ordering: Ordering) -> bool {
    match op {
        CompareOp::Eq => ordering == Ordering::Equal,
        CompareOp::Gt => ordering == Ordering::Greater,
        CompareOp::Ge => ordering != Ordering::Less,
        CompareOp::Lt => ordering == Ordering::Less,
        CompareOp::Le => ordering != Ordering::Greater,
        _ => false,
    }
}

/// Compares numbers digit by digit.
fn numbers(left: &Number, right: &Number) -> Ordering {
    let (left, right) = (digits(left), digits(right));
    match (left.0, right.0) {
        (false, false) => left.1.cmp(&right.1),
        (true, true) => right.1.cmp(&left.1),
        (negative, _) => {
            if negative {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
    }
}

/// Returns whether the number is negative, and all its digits, equally many for every number.
fn digits(number: &Number) -> (bool, String) {
    let text = match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(whole), _, _) => format!("{whole}.{:01074}", 0),
        (_, Some(whole), _) => format!("{whole}.{:01074}", 0),
        (_, _, float) => format!("{:.1074}", float.unwrap_or_default()),
    };
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (rest.contains(|digit| ('1'..='9').contains(&digit)), rest),
        None => (false, &*text),
    };
    (negative, format!("{text:0>1400}"))
}

/// Returns the bits that a base64 text encodes, in whole bytes.
fn bits(text: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = String::new();
    for letter in text.trim_end_matches('=').replace('-', "+").replace('_', "/").chars() {
        bits.push_str(&format!("{:06b}", ALPHABET.find(letter).unwrap_or_default()));
    }
    bits.truncate(bits.len() / 8 * 8);
    bits
}
