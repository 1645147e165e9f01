//! The suites of `suites-2/`: what their cases assume, and how a test judges them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use scim_core::{
    Leniency, Quirk, ResourceType, ResourceTypeBuilder, ResourceTypeDocument, Schema, SchemaError,
};
use serde_json::Value;

/// The cases of one file of `suites-2/`, such as `sdk-patch`; `None` says that the test is skipped.
///
/// A part that several cases share is written `{"$": "s1"}` in the file, and is put in its place here.
pub fn suite_2(name: &str) -> Option<Vec<Value>> {
    let mut file = crate::read(&crate::cases()?.join(format!("suites-2/{name}.json")));
    let shared = file["shared"].take();
    let mut cases = crate::list(file["cases"].take());
    for value in cases.iter_mut().filter_map(Value::as_object_mut).flat_map(|case| case.values_mut()) {
        if let Some(key) = value.get("$").and_then(Value::as_str) {
            *value = shared[key].clone();
        }
    }
    Some(cases)
}

/// The resource type that the `schema` of a case describes.
pub fn described(description: &Value) -> Arc<ResourceType> {
    described_with(description, |schema| schema).unwrap_or_else(|error| panic!("{error}: {description}"))
}

/// Like [`described`], with each schema changed by `change` first.
///
/// # Errors
///
/// Where one of the schemas is none.
pub fn described_with(
    description: &Value,
    change: impl Fn(Value) -> Value,
) -> Result<Arc<ResourceType>, SchemaError> {
    let text = |value: &Value, default: &str| value.as_str().unwrap_or(default).to_owned();
    let schema = |value: &Value| {
        let document = match value.as_str() {
            Some("User") => Schema::user().document().clone(),
            Some("EnterpriseUser") => Schema::enterprise_user().document().clone(),
            _ => value.clone(),
        };
        Schema::from_json(change(document)).map(Arc::new)
    };
    let base = schema(&description["base"])?;
    let extensions = description["extensions"].as_array().map_or(&[][..], Vec::as_slice);
    let required = description["required"].as_array().map_or(&[][..], Vec::as_slice);
    let mut document = ResourceTypeDocument::new(
        text(&description["name"], "Thing"),
        text(&description["endpoint"], "/Things"),
        base.id().to_string(),
    );
    let mut schemas = vec![base];
    for extension in extensions {
        let extension = schema(extension)?;
        let id = extension.id().to_string();
        let is_required = required.iter().any(|urn| *urn == *id);
        document = document.extension(id, is_required);
        schemas.push(extension);
    }
    let builder = schemas.into_iter().fold(ResourceType::builder(document), ResourceTypeBuilder::schema);
    Ok(builder.build().unwrap().into())
}

/// What a case comes to.
#[derive(Debug)]
pub struct Outcome {
    /// Whether that is what the suite expects.
    pub agrees: bool,
    /// A word for it, as it stands in a list of differences.
    pub word: String,
    /// All of it, for the message of a test that fails.
    pub detail: String,
}

impl Outcome {
    /// An outcome that one word says.
    pub fn new(expected: &str, ours: &str) -> Self {
        Self {
            agrees: ours == expected,
            word: ours.to_owned(),
            detail: format!("{ours}, expected {expected}"),
        }
    }
}

/// The cases in which we differ, each with its reason, and how many were judged so far.
///
/// A reason that names quirks says that with them the case agrees.
#[derive(Debug)]
pub struct Differences {
    listed: BTreeMap<String, (String, String)>,
    met: BTreeSet<String>,
    wrong: Vec<String>,
    cases: usize,
    forgiven: usize,
}

impl Differences {
    /// From JSON: reason → outcome → ids.
    pub fn new(text: &str) -> Self {
        let listed = crate::readings(text);
        Self { listed, met: BTreeSet::new(), wrong: Vec::new(), cases: 0, forgiven: 0 }
    }

    /// Judges cases; `outcome` says what one comes to under a leniency, `strict` being where it begins.
    pub fn judge(
        &mut self,
        cases: &[Value],
        strict: Leniency,
        outcome: impl Fn(&Value, Leniency) -> Outcome,
    ) {
        for case in cases {
            let Some(reason) = self.judge_one(case, &outcome(case, strict)) else { continue };
            let Some(lenient) = quirks_named(&reason, strict) else { continue };
            self.forgiven += 1;
            let ours = outcome(case, lenient);
            if !ours.agrees {
                self.wrong.push(format!("{}: {} by the quirks of: {reason}: {case}", id(case), ours.detail));
            }
        }
    }

    /// Judges what one case came to, and returns the reason if it is listed.
    pub fn judge_one(&mut self, case: &Value, ours: &Outcome) -> Option<String> {
        self.cases += 1;
        let id = id(case);
        let Some((word, reason)) = self.listed.get(id) else {
            if !ours.agrees {
                self.wrong.push(format!("{id}: {}: {case}", ours.detail));
            }
            return None;
        };
        self.met.insert(id.to_owned());
        if ours.agrees {
            self.wrong.push(format!("{id} agrees, but is listed: {reason}"));
        } else if ours.word != *word {
            self.wrong.push(format!("{id}: {} ({}), listed as {word}", ours.word, ours.detail));
        }
        Some(reason.clone())
    }

    /// Fails unless all cases agreed or came out as they are listed, and every listed one was met.
    pub fn settle(mut self) {
        println!(
            "{} cases: {} agree, {} agree by a quirk, {} differ for a listed reason",
            self.cases,
            self.cases - self.listed.len(),
            self.forgiven,
            self.listed.len() - self.forgiven
        );
        let unmet = self.listed.keys().filter(|id| !self.met.contains(*id));
        self.wrong.extend(unmet.map(|id| format!("{id} is no case")));
        assert!(self.wrong.is_empty(), "{} wrong:\n{}", self.wrong.len(), self.wrong.join("\n"));
    }
}

/// `strict` with the quirks that a reason names; `None` if it names none.
pub fn quirks_named(reason: &str, strict: Leniency) -> Option<Leniency> {
    let words: BTreeSet<&str> =
        reason.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
    let named = |quirk: &&Quirk| words.contains(quirk.name());
    let lenient = Quirk::ALL.iter().filter(named).fold(strict, |leniency, quirk| leniency.allow(*quirk));
    (lenient != strict).then_some(lenient)
}

fn id(case: &Value) -> &str {
    case["id"].as_str().unwrap_or_default()
}
