//! Writes one test of one value: in SQL, what [`Comparison::holds`] decides.
//!
//! The result is true or false even for `NULL`. A conjunction tests whether the value is there, instead of `COALESCE`
//! around the comparison, so that an index can answer.

use std::fmt::Display;

use scim_core::{Attribute, DateTime, Timestamp, Type};
use serde_json::Number;

use super::comparable::{hexadecimal, whole_number};
use super::dialect::Dialect;
use super::table::Form;
use super::write::{Source, Writer, Written, constant};
use super::{Param, SqlError};
use crate::compare::{Comparison, Operand, Test, is_version, resource_parts};
use crate::literal::CompareOp;
use crate::plan::prefix_end;

impl Writer<'_> {
    pub(super) fn test(
        &mut self,
        source: &Source<'_>,
        leaf: &Attribute,
        path: &dyn Display,
        test: &Test,
    ) -> Written {
        match test {
            Test::Present => self.present(source, leaf.r#type),
            Test::Compare(comparison) => self.comparison(source, path, comparison),
        }
    }

    fn present(&mut self, source: &Source<'_>, kind: Type) -> Written {
        let (value, form) = match source {
            Source::Nowhere => return Ok(constant(false)),
            Source::Column { sql, form } => (sql.clone(), *form),
            Source::Json { path, form } => (self.dialect.json_scalar(path)?, *form),
        };
        let is_text = matches!(kind, Type::String | Type::Reference | Type::Binary | Type::DateTime)
            && matches!(form, Form::Comparable | Form::Verbatim | Form::Ascii);
        Ok(if is_text { known(&value, &format!("{value} <> ''")) } else { is_known(&value) })
    }

    pub(super) fn comparison(
        &mut self,
        source: &Source<'_>,
        path: &dyn Display,
        comparison: &Comparison,
    ) -> Written {
        let op = comparison.op();
        let form = match source {
            Source::Nowhere => return Ok(constant(comparison.holds_without_value())),
            Source::Column { form, .. } | Source::Json { form, .. } => *form,
        };
        let folds = matches!(form, Form::Comparable | Form::Ascii);
        match comparison.operand() {
            Operand::Folded(_) if !folds => Err(SqlError::unfit(
                path,
                "is compared without regard to case: its comparable form is needed",
            )),
            Operand::Folded(text) => {
                let value = self.text_of(source, path)?;
                let value = if form == Form::Ascii { self.dialect.ascii_lower(&value) } else { value };
                Ok(self.text(&value, op, text))
            }
            Operand::Exact(text) => {
                let value = self.text_of(source, path)?;
                Ok(self.text(&value, op, text))
            }
            Operand::Reference { uri, resource } => {
                let value = self.text_of(source, path)?;
                Ok(match op {
                    CompareOp::Eq if *resource => self.same_resource(&value, uri),
                    _ => self.text(&value, op, uri),
                })
            }
            // `false` or absent.
            Operand::Boolean(false) if comparison.holds_without_value() => {
                Ok(format!("(NOT {})", self.boolean(source, true)?))
            }
            Operand::Boolean(truth) => self.boolean(source, *truth),
            Operand::Number(number) => self.number(source, op, number),
            Operand::DateTime(instant) => self.instant(source, path, op, instant),
            Operand::Binary(_) if form != Form::Comparable => {
                Err(SqlError::unfit(path, "is compared decoded: its comparable form is needed"))
            }
            Operand::Binary(bytes) => {
                let value = self.text_of(source, path)?;
                Ok(self.text(&value, op, &hexadecimal(bytes)))
            }
        }
    }

    /// Writes a test whether a link leads to that `id`.
    pub(super) fn same_id(&mut self, source: &Source<'_>, path: &dyn Display, id: &str) -> Written {
        let value = self.text_of(source, path)?;
        Ok(self.text(&value, CompareOp::Eq, id))
    }

    fn text_of(&self, source: &Source<'_>, path: &dyn Display) -> Written {
        match source {
            Source::Column { sql, form: Form::AsText } => Ok(format!("CAST({sql} AS text)")),
            Source::Column { form: Form::UnixMillis | Form::Timestamptz, .. } | Source::Nowhere => {
                Err(SqlError::unfit(path, "is mapped as an instant, but is no dateTime"))
            }
            Source::Column { sql, .. } => Ok(sql.clone()),
            Source::Json { path, .. } => self.dialect.json_scalar(path),
        }
    }

    fn text(&mut self, value: &str, op: CompareOp, operand: &str) -> String {
        use CompareOp::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Sw};
        // No stored text has U+0000, and PostgreSQL accepts no parameter with it.
        let (op, operand) = match (op, operand.split_once('\0')) {
            (_, None) => (op, operand),
            (Gt | Ge, Some((before, _))) => (Gt, before),
            (Lt | Le, Some((before, _))) => (Le, before),
            (Eq | Ne | Co | Sw | Ew, Some(_)) => return constant(false),
        };
        let condition = match op {
            Co | Sw | Ew if operand.is_empty() => return is_known(value),
            Co => self.dialect.contains(value, &self.text_param(operand)),
            Ew => self.dialect.ends_with(value, &self.text_param(operand)),
            Sw => {
                let from = self.text_param(operand);
                match prefix_end(operand) {
                    Some(end) => format!("{value} >= {from} AND {value} < {}", self.text_param(&end)),
                    None => format!("{value} >= {from}"),
                }
            }
            Eq | Ne | Gt | Ge | Lt | Le => format!("{value} {} {}", sign(op), self.text_param(operand)),
        };
        known(value, &condition)
    }

    fn text_param(&mut self, text: &str) -> String {
        let number = self.param(Param::Text(text.to_owned()));
        self.dialect.text(number)
    }

    /// Writes the comparison of two resource URIs, as the evaluator compares them.
    ///
    /// A value such as `…/v2/Users/1` is split from its end.
    // FILT-029
    fn same_resource(&mut self, value: &str, uri: &str) -> String {
        let Some(parts) = resource_parts(uri).filter(|_| !uri.contains('\0')) else {
            return self.text(value, CompareOp::Eq, uri);
        };
        let dialect = self.dialect;
        let (uri, short) = (self.text_param(uri), format!("{}/{}", parts.kind, parts.id));
        let (relative, end) = (self.text_param(&short), self.text_param(&format!("/{short}")));
        let base = dialect.without_end(value, &end);
        // It is a parameter because of its collation: with some collations PostgreSQL cannot search a text.
        let no_kind = self.text_param(":/");
        let mut same =
            format!("{} AND NOT {}", dialect.ends_with(value, &end), dialect.ends_with(&base, &no_kind));
        if parts.base.contains("://") {
            let absolute = self.text_param("://");
            let versioned = self.text_param(&format!("{}/v", parts.base));
            let version = format!("substr({base}, length({versioned}) + 1)");
            let begins = format!("substr({base}, 1, length({versioned})) = {versioned}");
            let mut bases = vec![
                format!("NOT {}", dialect.contains(&base, &absolute)),
                format!(
                    "{begins} AND ltrim({version}, '0123456789.') = '' AND {version} <> '' \
                    AND substr({version}, 1, 1) <> '.'"
                ),
            ];
            if !parts.base.rsplit('/').next().is_some_and(is_version) {
                bases.push(format!("{base} = {}", self.text_param(parts.base)));
            }
            same += &format!(" AND ({})", bases.join(" OR "));
        }
        known(value, &format!("({value} = {uri} OR {value} = {relative} OR {same})"))
    }

    fn boolean(&mut self, source: &Source<'_>, truth: bool) -> Written {
        Ok(match (self.dialect, source) {
            (_, Source::Nowhere) => constant(false),
            (_, Source::Column { sql, .. }) => format!("({sql} IS {})", constant(truth)),
            (Dialect::Sqlite, Source::Json { path, .. }) => {
                format!("({} IS {})", self.dialect.json_scalar(path)?, constant(truth))
            }
            (Dialect::Postgres, Source::Json { path, .. }) => {
                let value = self.dialect.json_scalar(path)?;
                known(&value, &format!("{value} = '{truth}'"))
            }
        })
    }

    fn number(&mut self, source: &Source<'_>, op: CompareOp, number: &Number) -> Written {
        let value = match source {
            Source::Nowhere => return Ok(constant(false)),
            Source::Column { sql, .. } => sql.clone(),
            Source::Json { path, .. } => self.dialect.json_number(path)?,
        };
        let whole = whole_number(number);
        let operand = match (self.dialect, whole, whole.map(i64::try_from)) {
            (_, _, Some(Ok(whole))) => self.integer_param(whole),
            (Dialect::Sqlite, ..) => {
                let number = self.param(Param::Real(number.as_f64().unwrap_or(f64::MAX)));
                self.dialect.parameter(number)
            }
            (Dialect::Postgres, whole, _) => {
                let text = whole.map_or_else(|| number.to_string(), |whole| whole.to_string());
                let number = self.param(Param::Text(text));
                format!("{}::text::numeric", self.dialect.parameter(number))
            }
        };
        Ok(known(&value, &format!("{value} {} {operand}", sign(op))))
    }

    fn integer_param(&mut self, whole: i64) -> String {
        let number = self.param(Param::Integer(whole));
        match self.dialect {
            Dialect::Sqlite => self.dialect.parameter(number),
            Dialect::Postgres => format!("{}::bigint", self.dialect.parameter(number)),
        }
    }

    fn instant(
        &mut self,
        source: &Source<'_>,
        path: &dyn Display,
        op: CompareOp,
        instant: &DateTime,
    ) -> Written {
        match source {
            Source::Column { sql, form: Form::UnixMillis } => {
                let (millis, exact) = ticks(instant, 3);
                Ok(match between(op, exact) {
                    None => constant(false),
                    Some(op) => match i64::try_from(millis) {
                        Ok(millis) => {
                            known(sql, &format!("{sql} {} {}", sign(op), self.integer_param(millis)))
                        }
                        Err(_) => beyond(sql, op, millis > 0),
                    },
                })
            }
            Source::Column { form: Form::Timestamptz, .. } if self.dialect == Dialect::Sqlite => {
                Err(SqlError::unfit(path, "is a timestamptz, which SQLite does not have"))
            }
            Source::Column { sql, form: Form::Timestamptz } => {
                let (micros, exact) = ticks(instant, 6);
                Ok(match (between(op, exact), timestamptz(micros)) {
                    (None, _) => constant(false),
                    (Some(op), Some(text)) => {
                        let number = self.param(Param::Text(text));
                        let operand = format!("{}::text::timestamptz", self.dialect.parameter(number));
                        known(sql, &format!("{sql} {} {operand}", sign(op)))
                    }
                    (Some(op), None) => beyond(sql, op, micros > 0),
                })
            }
            Source::Column { form: Form::Comparable, .. } | Source::Json { form: Form::Comparable, .. } => {
                let value = self.text_of(source, path)?;
                Ok(self.text(&value, op, &instant.sort_key()))
            }
            _ => Err(SqlError::unfit(path, "is compared as an instant: its comparable form is needed")),
        }
    }
}

/// Writes a condition that is false without a value and never `NULL`.
fn known(value: &str, condition: &str) -> String {
    format!("({value} IS NOT NULL AND {condition})")
}

fn is_known(value: &str) -> String {
    format!("({value} IS NOT NULL)")
}

fn sign(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Ne => "<>",
        CompareOp::Gt => ">",
        CompareOp::Ge => ">=",
        CompareOp::Lt => "<",
        CompareOp::Le => "<=",
        CompareOp::Eq | CompareOp::Co | CompareOp::Sw | CompareOp::Ew => "=",
    }
}

/// Converts an instant to units of so many decimal places since 1970.
///
/// The result is rounded down. The flag says whether it is exact.
fn ticks(instant: &DateTime, places: u32) -> (i128, bool) {
    let digits = instant.fraction().chars().chain(std::iter::repeat('0')).take(places as usize);
    let part: i128 = digits.collect::<String>().parse().unwrap_or(0);
    let ticks = i128::from(instant.unix_seconds()) * 10_i128.pow(places) + part;
    (ticks, instant.fraction().len() <= places as usize)
}

/// Returns the operator for a comparison with an operand that was rounded down.
///
/// `None` is always false: no whole tick equals an operand between two ticks.
fn between(op: CompareOp, exact: bool) -> Option<CompareOp> {
    match op {
        _ if exact => Some(op),
        CompareOp::Gt | CompareOp::Ge => Some(CompareOp::Gt),
        CompareOp::Lt | CompareOp::Le => Some(CompareOp::Le),
        _ => None,
    }
}

/// Writes the comparison with an operand that is greater, or less, than every value of the column's type.
fn beyond(value: &str, op: CompareOp, greater: bool) -> String {
    match op {
        CompareOp::Lt | CompareOp::Le if greater => is_known(value),
        CompareOp::Gt | CompareOp::Ge if !greater => is_known(value),
        _ => constant(false),
    }
}

/// Formats an instant for PostgreSQL; `None` outside the years 1 to 9999.
fn timestamptz(micros: i128) -> Option<String> {
    const FIRST: i64 = -62_135_596_800;
    const LAST: i64 = 253_402_300_799;
    let seconds = i64::try_from(micros.div_euclid(1_000_000)).ok()?;
    let in_range = (FIRST..=LAST).contains(&seconds);
    let text = Timestamp::from_millis(seconds.saturating_mul(1_000)).to_string();
    in_range.then(|| format!("{}.{:06}Z", text.trim_end_matches(".000Z"), micros.rem_euclid(1_000_000)))
}
