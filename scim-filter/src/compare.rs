//! One typed comparison against one JSON scalar: the matrix of operators and types (RFC 7644 §3.4.2.2 Table 3, part C.4
//! of the requirements).

use std::borrow::Cow;
use std::cmp::Ordering;

use memchr::memmem;
use scim_core::{
    AttrRef, Attribute, DateTime, Exhausted, Lenience, Meter, Quirk, Timestamp, Type, decode_base64, fold,
};
use serde_json::{Number, Value};

use crate::literal::{CompareOp, Literal};
use crate::look::{self, Look};

/// The test that a value has to pass. `ne` is not a test: it is the complement of `eq` over the attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// `pr`.
    Present,
    /// A comparison.
    Compare(Comparison),
}

impl Test {
    /// Whether one value passes.
    #[inline]
    pub(crate) fn holds<'v>(&self, value: &'v Value, look: &mut Look<'_, 'v>) -> Result<bool, Exhausted> {
        look.costs(look::TEST)?;
        match self {
            Self::Present => Ok(has_value(value)),
            Self::Compare(comparison) => comparison.holds(value, look),
        }
    }

    /// Whether an element that lacks the sub-attribute passes. It never passes `pr`, which asks for an assigned value.
    pub(crate) fn holds_without_value(&self) -> bool {
        matches!(self, Self::Compare(comparison) if comparison.without_value)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comparison {
    op: CompareOp,
    operand: Operand,
    /// The operand in the JSON type of its attribute and in the case in which it was written.
    written: Value,
    /// Whether it holds for an element that lacks the sub-attribute, as `primary eq false` does (RFC 7643 §2.4).
    without_value: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    /// Compared as it is.
    Exact(Box<str>),
    /// Folded once; values are folded when they are compared.
    Folded(Box<str>),
    /// A URI. `resource` is set if it points at a SCIM resource.
    Reference {
        uri: Box<str>,
        resource: bool,
    },
    Boolean(bool),
    Number(Number),
    DateTime(DateTime),
    Binary(Box<[u8]>),
}

/// Why attribute, operator and operand do not fit together.
pub(crate) enum Mismatch {
    /// The operator does not apply to the type.
    Operator(String),
    /// The operand is not of the type.
    Operand(Type),
}

impl Comparison {
    /// Returns the operator.
    pub(crate) fn op(&self) -> CompareOp {
        self.op
    }

    /// Returns the operand that values are compared with.
    #[cfg(feature = "sql")]
    pub(crate) fn operand(&self) -> &Operand {
        &self.operand
    }

    /// Whether it holds for an element that lacks the sub-attribute.
    #[cfg(feature = "sql")]
    pub(crate) fn holds_without_value(&self) -> bool {
        self.without_value
    }

    /// Types the operand by the attribute.
    ///
    /// `op` is not `ne` and the literal is not `null`, because the caller turns both into complements and presence
    /// tests.
    pub(crate) fn new(
        attr: &AttrRef,
        op: CompareOp,
        literal: &Literal<'_>,
        lenience: &mut Lenience,
    ) -> Result<Self, Mismatch> {
        use CompareOp::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Sw};
        let leaf = attr.leaf();
        let allowed: &[CompareOp] = match leaf.r#type {
            Type::String | Type::Reference => &CompareOp::ALL,
            Type::Boolean | Type::Binary => &[Eq, Ne],
            Type::Integer | Type::Decimal | Type::DateTime => &[Eq, Ne, Gt, Ge, Lt, Le],
            Type::Complex => &[],
        };
        if !allowed.contains(&op) {
            let reason = match leaf.r#type {
                Type::Complex => "is complex: name one of its sub-attributes".to_owned(),
                kind => {
                    let rest = if matches!(op, Co | Sw | Ew) || allowed.len() > 2 {
                        "it can be ordered but has no substrings"
                    } else {
                        "it has no order"
                    };
                    let rest = if allowed.len() == 2 { "use eq, ne or pr" } else { rest };
                    format!("is {}: `{op}` does not apply, {rest}", plain(kind))
                }
            };
            return Err(Mismatch::Operator(reason));
        }
        let mismatch = || Mismatch::Operand(leaf.r#type);
        let text = || literal.as_str().ok_or_else(mismatch);
        let (operand, written) = match leaf.r#type {
            Type::Boolean => {
                let truth = match literal {
                    Literal::Boolean(truth) => *truth,
                    Literal::String(text) => quoted_boolean(text, lenience).ok_or_else(mismatch)?,
                    _ => return Err(mismatch()),
                };
                (Operand::Boolean(truth), Value::Bool(truth))
            }
            Type::Integer | Type::Decimal => match literal {
                Literal::Number(number) => (Operand::Number(number.clone()), literal.to_value()),
                _ => return Err(mismatch()),
            },
            Type::DateTime => {
                (Operand::DateTime(text()?.parse().map_err(|_| mismatch())?), literal.to_value())
            }
            Type::Binary => {
                (Operand::Binary(decode_base64(text()?).ok_or_else(mismatch)?.into()), literal.to_value())
            }
            Type::Reference => {
                let operand = Operand::Reference { uri: text()?.into(), resource: points_at_resource(leaf) };
                (operand, literal.to_value())
            }
            Type::String if leaf.compares_exactly() => (Operand::Exact(text()?.into()), literal.to_value()),
            Type::String | Type::Complex => (Operand::Folded(fold(text()?).into()), literal.to_value()),
        };
        let without_value = op == Eq && written == false && attr.is_primary();
        Ok(Self { op, operand, written, without_value })
    }

    /// Replaces the text of a text operand, if `read` returns another text.
    pub(crate) fn rewrite(&mut self, read: impl Fn(&str) -> Option<String>) {
        let Some(text) = self.written.as_str().and_then(read) else { return };
        match &mut self.operand {
            Operand::Exact(operand) => *operand = text.as_str().into(),
            Operand::Folded(operand) => *operand = fold(&text).into(),
            _ => return,
        }
        self.written = text.into();
    }

    /// Whether one scalar meets the comparison. A value of another JSON type does not.
    #[inline]
    pub(crate) fn holds<'v>(&self, value: &'v Value, look: &mut Look<'_, 'v>) -> Result<bool, Exhausted> {
        match (&self.operand, value) {
            (Operand::Boolean(operand), Value::Bool(value)) => Ok(operand == value),
            (Operand::Number(operand), Value::Number(value)) => {
                Ok(compare_numbers(value, operand).is_some_and(|ordering| self.ordered(ordering)))
            }
            (_, Value::String(value)) => self.holds_text(value, look),
            _ => Ok(false),
        }
    }

    #[inline]
    pub(crate) fn holds_text<'v>(&self, value: &'v str, look: &mut Look<'_, 'v>) -> Result<bool, Exhausted> {
        match &self.operand {
            Operand::Exact(operand) => {
                look.reads(compared(self.op, value, operand))?;
                Ok(exact(self.op, value, operand))
            }
            Operand::Folded(operand) => folded(self.op, value, operand, look),
            Operand::Reference { uri, resource } => {
                look.reads(value.len())?;
                Ok(exact(self.op, value, uri)
                    || (self.op == CompareOp::Eq && *resource && same_resource(value, uri)))
            }
            Operand::DateTime(operand) => {
                look.parses(value.len())?;
                Ok(value.parse::<DateTime>().is_ok_and(|value| self.ordered(value.cmp(operand))))
            }
            Operand::Binary(operand) => {
                look.costs(value.len() as u64 / 256)?;
                // Decoding is only needed if the lengths are equal.
                if decoded_length(value) != operand.len() {
                    return Ok(false);
                }
                look.parses(value.len())?;
                Ok(decode_base64(value).is_some_and(|value| *value == **operand))
            }
            Operand::Boolean(_) | Operand::Number(_) => Ok(false),
        }
    }

    /// Compares with the name of a resource type, without charging anything.
    pub(crate) fn holds_name(&self, name: &str) -> bool {
        self.holds_text(name, &mut Look::new(&mut Meter::unlimited())).is_ok_and(|holds| holds)
    }

    pub(crate) fn holds_timestamp(
        &self,
        value: Timestamp,
        look: &mut Look<'_, '_>,
    ) -> Result<bool, Exhausted> {
        let Operand::DateTime(operand) = &self.operand else { return Ok(false) };
        let seconds = value.as_millis().div_euclid(1_000).cmp(&operand.unix_seconds());
        if seconds.is_ne() {
            return Ok(self.ordered(seconds));
        }
        // Within one second the fractions decide.
        let text = value.to_string();
        self.holds_text(&text, &mut look.beside())
    }

    /// Returns the operand as it was written.
    pub(crate) fn written(&self) -> &Value {
        &self.written
    }

    /// Returns the operand as a canonical document would hold it, if this is an `eq`.
    pub(crate) fn equal_to(&self) -> Option<&Value> {
        (self.op == CompareOp::Eq).then_some(&self.written)
    }

    /// Returns the text that an index keeps for a value equal to the operand: see [`index_key`](crate::index_key).
    ///
    /// It is `None` if an index cannot tell, because the index has no key for a missing value.
    pub(crate) fn index_text(&self) -> Option<&str> {
        match &self.operand {
            _ if self.without_value => None,
            Operand::Exact(text) | Operand::Folded(text) => Some(text),
            Operand::Boolean(true) => Some("true"),
            Operand::Boolean(false) => Some("false"),
            _ => None,
        }
    }

    fn ordered(&self, ordering: Ordering) -> bool {
        match self.op {
            CompareOp::Eq => ordering.is_eq(),
            CompareOp::Ne => ordering.is_ne(),
            CompareOp::Gt => ordering.is_gt(),
            CompareOp::Ge => ordering.is_ge(),
            CompareOp::Lt => ordering.is_lt(),
            CompareOp::Le => ordering.is_le(),
            CompareOp::Co | CompareOp::Sw | CompareOp::Ew => false,
        }
    }
}

/// Whether a value counts as present: it is not empty, and neither is everything in it.
// FILT-008
pub(crate) fn has_value(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => values.iter().any(has_value),
        Value::Object(members) => members.values().any(has_value),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn plain(kind: Type) -> Cow<'static, str> {
    match kind {
        Type::DateTime => "a dateTime".into(),
        Type::Binary => "binary".into(),
        other => other.to_string().into(),
    }
}

fn quoted_boolean(text: &str, lenience: &mut Lenience) -> Option<bool> {
    let truth = match text {
        _ if text.eq_ignore_ascii_case("true") => true,
        _ if text.eq_ignore_ascii_case("false") => false,
        _ => return None,
    };
    lenience.uses(Quirk::StringBooleans).then_some(truth)
}

fn exact(op: CompareOp, value: &str, operand: &str) -> bool {
    match op {
        CompareOp::Eq => value == operand,
        CompareOp::Ne => value != operand,
        CompareOp::Co => memmem::find(value.as_bytes(), operand.as_bytes()).is_some(),
        CompareOp::Sw => value.starts_with(operand),
        CompareOp::Ew => value.ends_with(operand),
        CompareOp::Gt => value > operand,
        CompareOp::Ge => value >= operand,
        CompareOp::Lt => value < operand,
        CompareOp::Le => value <= operand,
    }
}

/// Returns how many bytes of a value a comparison reads at most.
fn compared(op: CompareOp, value: &str, operand: &str) -> usize {
    if op == CompareOp::Co { value.len() } else { value.len().min(operand.len()) }
}

/// Compares the folded value with an operand that is folded already.
///
/// Plain ASCII is folded while it is compared, without a copy. A long text that is searched gets a copy, which serves
/// all terms.
#[inline]
fn folded<'v>(
    op: CompareOp,
    value: &'v str,
    operand: &str,
    look: &mut Look<'_, 'v>,
) -> Result<bool, Exhausted> {
    look.reads(compared(op, value, operand))?;
    // The check for ASCII reads the whole value.
    look.costs(value.len() as u64 / 256)?;
    let is_ascii = value.is_ascii();
    if is_ascii && (op != CompareOp::Co || value.len() <= SHORT) {
        return Ok(folded_in_passing(op, value, operand));
    }
    Ok(exact(op, look.fold(value, is_ascii)?, operand))
}

/// ASCII of at most so many bytes is searched window by window, without a folded copy.
const SHORT: usize = 64;

/// Compares ASCII that is folded meanwhile.
#[inline]
fn folded_in_passing(op: CompareOp, value: &str, operand: &str) -> bool {
    let (bytes, wanted) = (value.as_bytes(), operand.as_bytes());
    let ordering = || bytes.iter().map(u8::to_ascii_lowercase).cmp(wanted.iter().copied());
    match op {
        CompareOp::Eq => bytes.eq_ignore_ascii_case(wanted),
        CompareOp::Ne => !bytes.eq_ignore_ascii_case(wanted),
        CompareOp::Sw => bytes.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted)),
        CompareOp::Ew => bytes
            .len()
            .checked_sub(wanted.len())
            .is_some_and(|from| bytes[from..].eq_ignore_ascii_case(wanted)),
        CompareOp::Co if wanted.is_empty() => true,
        // Searching window by window is quadratic, so only short values come here.
        CompareOp::Co => bytes.windows(wanted.len()).any(|window| window.eq_ignore_ascii_case(wanted)),
        CompareOp::Gt => ordering().is_gt(),
        CompareOp::Ge => ordering().is_ge(),
        CompareOp::Lt => ordering().is_lt(),
        CompareOp::Le => ordering().is_le(),
    }
}

/// Compares numbers by value. Whole numbers are compared exactly, whatever their size.
// D15
fn compare_numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        (Some(left), None) => compare_whole(left, right.as_f64()?),
        (None, Some(right)) => compare_whole(right, left.as_f64()?).map(Ordering::reverse),
        (None, None) => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

pub(crate) fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn compare_whole(whole: i128, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    // The cast saturates, and no whole number here has more than 65 bits.
    let ordering = whole.cmp(&(float.trunc() as i128));
    Some(ordering.then_with(|| 0.0_f64.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal)))
}

fn points_at_resource(leaf: &Attribute) -> bool {
    leaf.reference_types
        .iter()
        .any(|kind| !kind.eq_ignore_ascii_case("external") && !kind.eq_ignore_ascii_case("uri"))
}

/// Whether two URIs name one SCIM resource.
///
/// The version in the base is ignored. A relative URI equals an absolute one with the same last segments.
// FILT-029
fn same_resource(left: &str, right: &str) -> bool {
    let (Some(left), Some(right)) = (resource_parts(left), resource_parts(right)) else { return false };
    let bases = left.base == right.base || !left.base.contains("://") || !right.base.contains("://");
    bases && left.kind == right.kind && left.id == right.id
}

/// The parts of a resource's URI: the base before `/Users/1`, without a version, and the two segments.
pub(crate) struct ResourceParts<'a> {
    pub(crate) base: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) id: &'a str,
}

pub(crate) fn resource_parts(uri: &str) -> Option<ResourceParts<'_>> {
    let (rest, id) = uri.rsplit_once('/')?;
    let (base, kind) = rest.rsplit_once('/').unwrap_or(("", rest));
    if kind.is_empty() || id.is_empty() || base.ends_with(":/") {
        return None;
    }
    let (before, last) = base.rsplit_once('/').unwrap_or(("", base));
    // A segment behind `://` is a host, even if it has the form of a version.
    let base = if is_version(last) && !before.ends_with(":/") { before } else { base };
    Some(ResourceParts { base, kind, id })
}

/// Whether the segment is a version such as `v2` or `v2.1` (RFC 7644 §3.13).
pub(crate) fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|number| {
        number.starts_with(|c: char| c.is_ascii_digit())
            && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

/// Returns how many bytes a base64 text encodes.
fn decoded_length(text: &str) -> usize {
    text.trim_end_matches('=').len() * 3 / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filt_029_versions_and_relative_references() {
        for (left, right, same) in [
            ("https://a.example/v2/Users/1", "https://a.example/Users/1", true),
            ("https://a.example/scim/v2.1/Users/1", "https://a.example/scim/Users/1", true),
            ("https://a.example/v2/Users/1", "Users/1", true),
            ("/scim/v2/Users/1", "https://a.example/scim/v2/Users/1", true),
            ("../Users/1", "https://a.example/Users/1", true),
            ("https://a.example/Users/1", "https://b.example/Users/1", false),
            ("https://a.example/Users/1", "https://a.example/Groups/1", false),
            ("https://a.example/Users/1", "https://a.example/Users/2", false),
            ("1", "https://a.example/Users/1", false),
            ("https://v2/Users/1", "https://b.example/Users/1", false),
        ] {
            assert_eq!(same_resource(left, right), same, "{left} {right}");
            assert_eq!(same_resource(right, left), same, "{right} {left}");
        }
    }

    #[test]
    fn filt_009_d15_numbers_are_exact_and_mixed() {
        let number = |text: &str| serde_json::from_str::<Number>(text).unwrap();
        for (left, right, ordering) in [
            ("9007199254740993", "9007199254740992", Ordering::Greater),
            ("18446744073709551615", "-1", Ordering::Greater),
            ("1", "1.0", Ordering::Equal),
            ("1", "1e0", Ordering::Equal),
            ("2", "2.5", Ordering::Less),
            ("-2", "-2.5", Ordering::Greater),
            ("9007199254740993", "9007199254740992.0", Ordering::Greater),
            ("5", "1e300", Ordering::Less),
            ("1.5", "1.50", Ordering::Equal),
        ] {
            let (left, right) = (number(left), number(right));
            assert_eq!(compare_numbers(&left, &right), Some(ordering), "{left} {right}");
            assert_eq!(compare_numbers(&right, &left), Some(ordering.reverse()), "{right} {left}");
        }
    }

    proptest::proptest! {
        #[test]
        fn folding_in_passing_is_folding(value in "[a-cA-Cé]{0,6}|[a-cA-C]{60,70}", operand in "[a-cA-Cé]{0,3}") {
            let operand = fold(&operand).into_owned();
            for op in CompareOp::ALL {
                let mut meter = Meter::unlimited();
                let folded = folded(op, &value, &operand, &mut Look::new(&mut meter)).unwrap();
                proptest::prop_assert_eq!(folded, exact(op, &fold(&value), &operand));
            }
        }
    }
}
