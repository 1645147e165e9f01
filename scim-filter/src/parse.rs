//! The grammar, rule by rule: RFC 7644 §3.4.2.2 Figure 1 with errata 7319, 4690 and 7322, and §3.5.2 Figure 7 for
//! paths. Only this module uses nom.
//!
//! ```abnf
//! filter    = *SP orExp *SP
//! orExp     = andExp *( 1*SP "or" 1*SP andExp )
//! andExp    = term *( 1*SP "and" 1*SP term )
//! term      = [ "not" *SP ] "(" *SP orExp *SP ")" / valuePath / attrExp
//! valuePath = attrPath "[" *SP orExp *SP "]"            ; no "[" inside
//! attrExp   = attrPath 1*SP "pr" / attrPath 1*SP compareOp 1*SP compValue
//! path      = attrPath / valuePath [ "." ATTRNAME ]
//! ```
//!
//! Each rule is a method of [`Grammar`]. It takes the rest of the text and returns the remaining rest and the id of the
//! node that it added to the tree. Every choice is made by looking at the next few bytes and never by backtracking, so
//! that time is linear. Only `group` and `brackets` recurse, and they charge the depth budget first.
//!
//! The module `scan` reads the ends of the rules: names, words, spaces and strings.

use nom::bytes::complete::{tag, tag_no_case, take_while1};
use nom::character::complete::char;
use nom::combinator::opt;
use nom::error::{ErrorKind, ParseError};
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};
use scim_core::{Lenience, Quirk, shorten};

use crate::error::{FilterError, PathError};
use crate::filter::{Budget, Filter};
use crate::literal::CompareOp;
use crate::number;
use crate::scan::{
    any_case, holds_a_filter, is_path_byte, name_length, next_word, path_length, plain_length, quoted_length,
    word, word_length,
};
use crate::tree::{Chain, Links, NodeId, Operand, Place, Span, Tree, index};

const OPERATORS: &str = "an operator: eq, ne, co, sw, ew, gt, ge, lt, le or pr";
const VALUE: &str = "a value: a quoted string, a number, true, false or null";

/// Parses a whole filter.
pub(crate) fn filter(text: &str, lenience: &mut Lenience, budget: &Budget) -> Result<Tree, FilterError> {
    let mut grammar = Grammar::new(text, lenience, budget)?;
    grammar.filter(text).map_err(|error| grammar.error(error))?;
    Ok(grammar.tree)
}

/// The parts of a PATCH path: `attribute[filter].sub`.
pub(crate) struct PathParts<'a> {
    pub(crate) attribute: &'a str,
    pub(crate) filter: Option<Filter>,
    pub(crate) sub: Option<&'a str>,
}

/// Parses a PATCH path. Errors of the path itself are marked as such.
pub(crate) fn path<'a>(
    text: &'a str,
    lenience: &mut Lenience,
    budget: &Budget,
) -> Result<PathParts<'a>, PathError> {
    let mut grammar = Grammar::new(text, lenience, budget).map_err(PathError::Path)?;
    let (_, parts) = grammar.path(text).map_err(|error| grammar.path_error(error))?;
    Ok(parts)
}

/// Checks that a builder may use this text as an attribute path.
pub(crate) fn check_attr_path(text: &str) -> Result<(), FilterError> {
    let (mut lenience, budget) = (Lenience::strict(), Budget::default());
    let grammar = Grammar::new(text, &mut lenience, &budget)?;
    let parsed = attr_path(text).and_then(|(rest, _)| match rest {
        "" => Ok(()),
        _ => Err(expected("the end of the attribute path", rest)),
    });
    parsed.map_err(|error| grammar.error(error))
}

type Parsed<'a, T> = IResult<&'a str, T, Fault<'a>>;

/// The state of one parse.
struct Grammar<'g> {
    source: &'g str,
    lenience: &'g mut Lenience,
    budget: &'g Budget,
    tree: Tree,
    depth: usize,
    depth_limit: usize,
    terms: usize,
    in_brackets: bool,
}

impl<'g> Grammar<'g> {
    fn new(source: &'g str, lenience: &'g mut Lenience, budget: &'g Budget) -> Result<Self, FilterError> {
        // Positions are 32 bits wide.
        let limit = budget.bytes.min(u32::MAX as usize);
        if source.len() > limit {
            return Err(FilterError::TooLong { length: source.len(), limit });
        }
        Ok(Self {
            source,
            lenience,
            budget,
            tree: Tree::default(),
            depth: 0,
            depth_limit: budget.depth.min(Budget::MOST_DEPTH),
            terms: 0,
            in_brackets: false,
        })
    }

    /// `filter = *SP orExp *SP`
    fn filter<'a>(&mut self, input: &'a str) -> Parsed<'a, NodeId> {
        self.tree = Tree::of(self.source);
        let (rest, root) = delimited(spaces, |input| self.or_exp(input), spaces).parse(input)?;
        match rest {
            "" => Ok((rest, root)),
            _ => Err(expected("`and`, `or` or the end", rest)),
        }
    }

    /// `orExp = andExp *( 1*SP "or" 1*SP andExp )`
    fn or_exp<'a>(&mut self, mut input: &'a str) -> Parsed<'a, NodeId> {
        let mut branches = Links::NONE;
        loop {
            let (rest, branch) = self.and_exp(input)?;
            self.tree.link(&mut branches, branch);
            match keyword("or", rest)? {
                Some(behind) => input = behind,
                None => return Ok((rest, self.tree.chain(Chain::Or, branches))),
            }
        }
    }

    /// `andExp = term *( 1*SP "and" 1*SP term )`
    fn and_exp<'a>(&mut self, mut input: &'a str) -> Parsed<'a, NodeId> {
        let mut branches = Links::NONE;
        loop {
            let (rest, branch) = self.term(input)?;
            self.tree.link(&mut branches, branch);
            match keyword("and", rest)? {
                Some(behind) => input = behind,
                None => return Ok((rest, self.tree.chain(Chain::And, branches))),
            }
        }
    }

    /// `term = [ "not" *SP ] "(" *SP orExp *SP ")" / valuePath / attrExp`
    fn term<'a>(&mut self, input: &'a str) -> Parsed<'a, NodeId> {
        let (rest, negated) = self.negation(input);
        let (rest, id) = match rest.as_bytes().first() {
            Some(b'(') => self.group(rest)?,
            _ => self.value_path_or_attr_exp(rest)?,
        };
        Ok((rest, if negated { self.tree.not(id) } else { id }))
    }

    /// `[ "not" *SP ]`, if a parenthesis follows. Otherwise `not` is an attribute's name, unless a quirk forgives
    /// missing parentheses.
    // D5, D17
    fn negation<'a>(&mut self, input: &'a str) -> (&'a str, bool) {
        let Some(behind) = word("not", input) else { return (input, false) };
        let rest = behind_spaces(behind);
        let negated = rest.starts_with('(')
            || rest.len() < behind.len()
                && !begins_with_operator(rest)
                && self.forgives(Quirk::NotWithoutParentheses);
        if negated { (rest, true) } else { (input, false) }
    }

    /// `"(" *SP orExp *SP ")"`
    fn group<'a>(&mut self, input: &'a str) -> Parsed<'a, NodeId> {
        let inside = self.open(input)?;
        let (rest, inner) = self.or_exp(inside)?;
        let rest = self.close(')', "`and`, `or` or `)`", rest)?;
        Ok((rest, inner))
    }

    fn value_path_or_attr_exp<'a>(&mut self, input: &'a str) -> Parsed<'a, NodeId> {
        let (rest, attribute) = attr_path(input)?;
        let at = self.position(input);
        let (path, place) = (Span::new(at, attribute.len()), Place { path: at, value: at });
        if rest.starts_with('[') {
            self.value_path(rest, path, place)
        } else {
            self.attr_exp(rest, path, place)
        }
    }

    /// `valuePath = attrPath "[" *SP orExp *SP "]"`, starting at the bracket.
    fn value_path<'a>(&mut self, input: &'a str, path: Span, place: Place) -> Parsed<'a, NodeId> {
        let (mut rest, mut inner) = self.brackets(input)?;
        // Q-26: the comparison behind the bracket applies to the value that the brackets select.
        if let Some((behind, sub)) = comparison_behind(rest)
            && self.forgives(Quirk::ValuePathComparison)
        {
            let place = Place { path: self.position(rest), value: self.position(rest) };
            let sub = self.tree.keep(sub.unwrap_or("value"));
            let (after, compared) = self.attr_exp(behind, sub, place)?;
            let mut both = Links::NONE;
            self.tree.link(&mut both, inner);
            self.tree.link(&mut both, compared);
            inner = self.tree.chain(Chain::And, both);
            rest = after;
        }
        Ok((rest, self.tree.value_path(path, inner, place)))
    }

    /// `"[" *SP orExp *SP "]"`, without brackets inside.
    // D2
    fn brackets<'a>(&mut self, input: &'a str) -> Parsed<'a, NodeId> {
        if self.in_brackets {
            return Err(fault(input, Kind::Nested));
        }
        self.in_brackets = true;
        let inside = self.open(input)?;
        let (rest, inner) = self.or_exp(inside)?;
        let rest = self.close(']', "`and`, `or` or `]`", rest)?;
        self.in_brackets = false;
        Ok((rest, inner))
    }

    /// `attrExp = attrPath 1*SP "pr" / attrPath 1*SP compareOp 1*SP compValue`, starting behind the attribute.
    fn attr_exp<'a>(&mut self, input: &'a str, path: Span, place: Place) -> Parsed<'a, NodeId> {
        self.terms += 1;
        if self.terms > self.budget.terms {
            return Err(fault(input, Kind::TooManyTerms));
        }
        let (rest, word) = preceded(or_fault(spaces1, "a space and an operator"), operator).parse(input)?;
        let op = match CompareOp::named(word) {
            Some(op) => op,
            None if word.eq_ignore_ascii_case("pr") => return Ok((rest, self.tree.present(path, place))),
            None => {
                return Err(fault(&input[input.len() - rest.len() - word.len()..], Kind::UnknownOperator));
            }
        };
        let (rest, gap) = spaces(rest)?;
        let mut gap_forgiven = || rest.starts_with(['"', '\'']) && self.forgives(Quirk::NoSpaceBeforeQuote);
        if gap.is_empty() && !gap_forgiven() {
            return Err(expected("a space and a value", rest));
        }
        let place = Place { value: self.position(rest), ..place };
        let (rest, operand) = self.comp_value(rest)?;
        Ok((rest, self.tree.compare(path, op, operand, place)))
    }

    /// `compValue = false / null / true / number / string`
    fn comp_value<'a>(&mut self, input: &'a str) -> Parsed<'a, Operand> {
        match input.as_bytes().first() {
            Some(b'"') => self.string(input),
            Some(b'\'') if self.forgives(Quirk::SingleQuotes) => self.single_quoted(input),
            _ => self.bare_value(input),
        }
    }

    /// `string = DQUOTE *char DQUOTE`, decoded as JSON.
    // D18
    fn string<'a>(&mut self, input: &'a str) -> Parsed<'a, Operand> {
        let inside = &input[1..];
        let (plain, rest) = inside.split_at(plain_length(inside));
        if let Some(rest) = rest.strip_prefix('"') {
            return Ok((rest, Operand::Text(Span::new(self.position(inside), plain.len()))));
        }
        let Some(length) = quoted_length(input, b'"') else {
            return Err(expected("a closing `\"` for the string that begins here", input));
        };
        let (quoted, rest) = input.split_at(length);
        match serde_json::from_str::<String>(quoted) {
            Ok(text) => Ok((rest, Operand::Text(self.tree.keep(&text)))),
            Err(_) => Err(expected("a JSON string without control characters or unknown escapes", input)),
        }
    }

    /// A string in single quotes, with `\'` and the JSON escapes.
    fn single_quoted<'a>(&mut self, input: &'a str) -> Parsed<'a, Operand> {
        let Some(length) = quoted_length(input, b'\'') else {
            return Err(expected("a closing `'` for the string that begins here", input));
        };
        let (quoted, rest) = input.split_at(length);
        let json = as_double_quoted(&quoted[1..length - 1]);
        match serde_json::from_str::<String>(&json) {
            Ok(text) => Ok((rest, Operand::Text(self.tree.keep(&text)))),
            Err(_) => Err(expected("a string without control characters or unknown escapes", input)),
        }
    }

    fn bare_value<'a>(&mut self, input: &'a str) -> Parsed<'a, Operand> {
        let (rest, word) = or_fault(take_while1(is_bare), VALUE).parse(input)?;
        let operand = match word {
            "true" => Operand::Boolean(true),
            "false" => Operand::Boolean(false),
            "null" => Operand::Null,
            _ if looks_like_number(word) => match number::read(word) {
                Some(number) => Operand::Number(number),
                None => return Err(expected("a number that 64 bits hold", input)),
            },
            _ => match any_case(word) {
                Some(operand) if self.forgives(Quirk::LiteralAnyCase) => operand,
                _ if self.forgives_bare(word) => Operand::Text(Span::new(self.position(input), word.len())),
                _ => return Err(expected(VALUE, input)),
            },
        };
        Ok((rest, operand))
    }

    fn forgives_bare(&mut self, word: &str) -> bool {
        !word.contains(['"', '\'']) && self.forgives(Quirk::UnquotedString)
    }

    /// `path = attrPath / valuePath [ "." ATTRNAME ]`, or the bare URN of an extension.
    // D9
    fn path<'a>(&mut self, input: &'a str) -> Parsed<'a, PathParts<'a>> {
        let (rest, attribute) = self.path_attribute(input).map_err(as_path)?;
        if !rest.starts_with('[') {
            let parts = PathParts { attribute, filter: None, sub: None };
            return if rest.is_empty() {
                Ok((rest, parts))
            } else {
                Err(as_path(expected("`[`, `.` or the end of the path", rest)))
            };
        }
        if !holds_a_filter(rest) {
            return Err(as_path(expected("a filter and `]` behind `[`", rest)));
        }
        self.tree = Tree::of(self.source);
        let (rest, _) = self.brackets(rest)?;
        let (rest, sub) = opt(preceded(char('.'), name)).parse(rest).map_err(as_path)?;
        if !rest.is_empty() {
            return Err(as_path(expected("`.` and a sub-attribute, or the end of the path", rest)));
        }
        let filter = Filter::of(std::mem::take(&mut self.tree));
        Ok((rest, PathParts { attribute, filter: Some(filter), sub }))
    }

    fn path_attribute<'a>(&self, input: &'a str) -> Parsed<'a, &'a str> {
        let (rest, text) = path_text(input, "an attribute path")?;
        // The last part of an extension's URN need not be a name. Binding knows the extensions.
        let urn = text.len() > 4 && text[..4].eq_ignore_ascii_case("urn:") && !text.ends_with(':');
        if urn || is_attr_path(text) { Ok((rest, text)) } else { attr_path(input) }
    }

    fn forgives(&mut self, quirk: Quirk) -> bool {
        self.lenience.uses(quirk)
    }

    /// Enters a bracket, if the budget allows, and returns the rest behind the bracket and its spaces.
    fn open<'a>(&mut self, input: &'a str) -> Result<&'a str, nom::Err<Fault<'a>>> {
        self.depth += 1;
        if self.depth > self.depth_limit {
            return Err(fault(input, Kind::TooDeep));
        }
        Ok(behind_spaces(input.get(1..).unwrap_or_default()))
    }

    /// Leaves a bracket and returns the rest behind it.
    fn close<'a>(
        &mut self,
        bracket: char,
        what: &'static str,
        input: &'a str,
    ) -> Result<&'a str, nom::Err<Fault<'a>>> {
        self.depth -= 1;
        let input = behind_spaces(input);
        input.strip_prefix(bracket).ok_or_else(|| expected(what, input))
    }

    fn position(&self, rest: &str) -> u32 {
        index(self.source.len() - rest.len())
    }

    fn error(&self, error: nom::Err<Fault<'_>>) -> FilterError {
        let (nom::Err::Error(Fault(Some(fault))) | nom::Err::Failure(Fault(Some(fault)))) = error else {
            // Every parser says what it expected, unless it only looks ahead.
            return FilterError::Syntax { position: 0, expected: "a filter", found: "the end".into() };
        };
        let position = self.source.len() - fault.rest.len();
        match fault.kind {
            Kind::Expected(expected) => {
                let found = match next_word(fault.rest) {
                    "" => "the end".to_owned(),
                    word => format!("`{}`", shorten(word)),
                };
                FilterError::Syntax { position, expected, found }
            }
            Kind::UnknownOperator => {
                FilterError::UnknownOperator { position, operator: shorten(next_word(fault.rest)) }
            }
            Kind::Nested => FilterError::NestedValuePath { position },
            Kind::TooDeep => FilterError::TooDeep { position, limit: self.depth_limit },
            Kind::TooManyTerms => FilterError::TooManyTerms { position, limit: self.budget.terms },
        }
    }

    /// Converts the error of a PATCH path. The filter between the brackets has its own errors.
    fn path_error(&self, error: nom::Err<Fault<'_>>) -> PathError {
        let in_path = match &error {
            nom::Err::Error(Fault(Some(fault))) | nom::Err::Failure(Fault(Some(fault))) => fault.in_path,
            _ => false,
        };
        let error = self.error(error);
        if in_path { PathError::Path(error) } else { PathError::Filter(error) }
    }
}

/// `attrPath = [URI ":"] ATTRNAME ["." ATTRNAME]`, with `$` allowed in names.
// D7, D8, D14
fn attr_path(input: &str) -> Parsed<'_, &str> {
    // Most paths are a single name, and the byte that ends the name ends the path.
    let (name, rest) = input.split_at(name_length(input));
    if !name.is_empty() && matches!(rest.as_bytes().first(), Some(b' ' | b'[')) {
        return Ok((rest, name));
    }
    let (rest, text) = path_text(input, "an attribute path, `not (` or `(`")?;
    if is_attr_path(text) {
        Ok((rest, text))
    } else {
        Err(expected("an attribute path such as `name.familyName`", input))
    }
}

/// Whether `AttrPath` would accept the text.
///
/// The caller knows that all bytes may be in a URN. Checking them again would make a filter with URNs 50 % slower. A
/// property test compares the two.
fn is_attr_path(text: &str) -> bool {
    let names = match text.rsplit_once(':') {
        Some((urn, names)) if !urn.is_empty() => names,
        Some(_) => return false,
        None => text,
    };
    match names.split_at(name_length(names)) {
        ("", _) => false,
        (_, "") => true,
        (_, rest) => rest.strip_prefix('.').is_some_and(scim_core::is_attribute_name),
    }
}

/// The bytes that names and URNs are made of, in any order.
fn path_text<'a>(input: &'a str, what: &'static str) -> Parsed<'a, &'a str> {
    match input.split_at(path_length(input)) {
        ("", _) => Err(expected(what, input)),
        (text, rest) => Ok((rest, text)),
    }
}

/// `ATTRNAME`
fn name(input: &str) -> Parsed<'_, &str> {
    let (rest, text) = path_text(input, "a sub-attribute")?;
    if scim_core::is_attribute_name(text) {
        Ok((rest, text))
    } else {
        Err(expected("a sub-attribute", input))
    }
}

/// `1*SP word 1*SP`: returns the rest behind it, or `None` if another word or the end follows.
#[inline]
fn keyword<'a>(which: &str, input: &'a str) -> Result<Option<&'a str>, nom::Err<Fault<'a>>> {
    let next = behind_spaces(input);
    if next.len() == input.len() {
        return Ok(None);
    }
    match word(which, next) {
        Some(rest) if !rest.bytes().next().is_some_and(is_path_byte) => {
            let (rest, _) = or_fault(spaces1, "a space and an attribute path, `not (` or `(`").parse(rest)?;
            Ok(Some(rest))
        }
        _ => Ok(None),
    }
}

/// Whether an operator follows: `not pr` asks for an attribute named `not`.
fn begins_with_operator(input: &str) -> bool {
    let next = &input[..path_length(input)];
    next.eq_ignore_ascii_case("pr") || CompareOp::named(next).is_some()
}

/// `["." ATTRNAME] SP`, as it follows a value path that is compared. Returns the rest and the name.
// Q-26
fn comparison_behind(input: &str) -> Option<(&str, Option<&str>)> {
    let (rest, sub) = opt(preceded(char('.'), name)).parse(input).ok()?;
    let next = behind_spaces(rest);
    (next.len() < rest.len() && begins_with_operator(next)).then_some((rest, sub))
}

/// Turns the inside of single quotes into a JSON string: `\'` is not an escape there, and `"` needs one.
fn as_double_quoted(inside: &str) -> String {
    let mut json = String::with_capacity(inside.len() + 2);
    json.push('"');
    let mut escaped = false;
    for c in inside.chars() {
        match (escaped, c) {
            (false, '\\') => {
                escaped = true;
                continue;
            }
            (false, '"') => json.push('\\'),
            (true, '\'') | (false, _) => {}
            (true, _) => json.push('\\'),
        }
        json.push(c);
        escaped = false;
    }
    json.push('"');
    json
}

fn operator(input: &str) -> Parsed<'_, &str> {
    match input.split_at(word_length(input)) {
        ("", _) => Err(expected(OPERATORS, input)),
        (word, rest) => Ok((rest, word)),
    }
}

/// Whether the word has the form of a `number` of RFC 8259. Whether it fits is decided when it is read.
fn looks_like_number(word: &str) -> bool {
    let digits = |input| take_while1(|c: char| c.is_ascii_digit())(input);
    let mut number = (
        opt(tag("-")),
        digits,
        opt((char('.'), digits)),
        opt((tag_no_case("e"), opt(nom::branch::alt((tag("+"), tag("-")))), digits)),
    );
    let parsed: Parsed<'_, _> = number.parse(word);
    matches!(parsed, Ok(("", (_, int, _, _))) if int == "0" || !int.starts_with('0'))
}

fn spaces(input: &str) -> Parsed<'_, &str> {
    let rest = behind_spaces(input);
    Ok((rest, &input[..input.len() - rest.len()]))
}

fn behind_spaces(mut input: &str) -> &str {
    while let Some(rest) = input.strip_prefix(' ') {
        input = rest;
    }
    input
}

fn spaces1(input: &str) -> Parsed<'_, &str> {
    match spaces(input)? {
        (rest, "") => Err(nom::Err::Error(Fault::from_error_kind(rest, ErrorKind::Space))),
        found => Ok(found),
    }
}

fn is_bare(c: char) -> bool {
    !matches!(c, ' ' | '(' | ')' | '[' | ']') && !c.is_control()
}

/// Where and why the text was refused.
///
/// It is empty if a lookahead found something else, which happens often. It is one pointer wide, so that results stay
/// small on the stack.
#[derive(Debug)]
struct Fault<'a>(Option<Box<Cause<'a>>>);

#[derive(Debug)]
struct Cause<'a> {
    rest: &'a str,
    kind: Kind,
    in_path: bool,
}

#[derive(Debug)]
enum Kind {
    Expected(&'static str),
    UnknownOperator,
    Nested,
    TooDeep,
    TooManyTerms,
}

impl<'a> ParseError<&'a str> for Fault<'a> {
    fn from_error_kind(_: &'a str, _: ErrorKind) -> Self {
        Self(None)
    }

    fn append(_: &'a str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// Makes an error in nom's sense and not a failure, so that `opt` and lookahead may pass over it.
fn fault(rest: &str, kind: Kind) -> nom::Err<Fault<'_>> {
    nom::Err::Error(Fault(Some(Box::new(Cause { rest, kind, in_path: false }))))
}

fn expected<'a>(what: &'static str, rest: &'a str) -> nom::Err<Fault<'a>> {
    fault(rest, Kind::Expected(what))
}

fn as_path(error: nom::Err<Fault<'_>>) -> nom::Err<Fault<'_>> {
    error.map(|Fault(cause)| {
        Fault(cause.map(|mut cause| {
            cause.in_path = true;
            cause
        }))
    })
}

/// Runs the parser and replaces its error by what we expected.
fn or_fault<'a, O>(
    mut parser: impl Parser<&'a str, Output = O, Error = Fault<'a>>,
    what: &'static str,
) -> impl Parser<&'a str, Output = O, Error = Fault<'a>> {
    move |input: &'a str| parser.parse(input).map_err(|_: nom::Err<Fault<'a>>| expected(what, input))
}
