//! How GitHub's products and the setups of an enterprise differ, as values instead of branches.

use std::fmt;
use std::str::FromStr;

/// A GitHub product, as far as provisioning depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Product {
    /// The name in configuration.
    pub name: &'static str,
    /// The path of the SCIM base URL. `{enterprise}` is a placeholder for the slug.
    // E-1
    pub base_path: &'static str,
    /// Whether handles end in `_` and the short code.
    pub suffixed: bool,
    /// The maximum length of a handle, including the suffix.
    // E-23
    pub max_handle: usize,
    /// The page that error bodies name as `documentation_url`.
    // E-82
    pub documentation_url: &'static str,
}

impl Product {
    /// GitHub Enterprise Cloud on github.com.
    pub const GHEC: Self = Self {
        name: "ghec",
        base_path: "/scim/v2/enterprises/{enterprise}",
        suffixed: true,
        max_handle: 39,
        documentation_url: "https://docs.github.com/enterprise-cloud@latest/rest/enterprise-admin/scim",
    };

    /// Returns the SCIM base path of an enterprise.
    pub fn base_path(&self, enterprise: &str) -> String {
        self.base_path.replace("{enterprise}", enterprise)
    }
}

impl FromStr for Product {
    type Err = UnknownProduct;

    fn from_str(text: &str) -> Result<Self, UnknownProduct> {
        if text == Self::GHEC.name { Ok(Self::GHEC) } else { Err(UnknownProduct(text.to_owned())) }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The name of a product that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no product of this version: use ghec")]
pub struct UnknownProduct(String);

/// The short code of an enterprise: 3 to 8 ASCII letters and digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortCode(String);

impl ShortCode {
    /// Returns the code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ShortCode {
    type Err = ShortCodeError;

    fn from_str(text: &str) -> Result<Self, ShortCodeError> {
        let fits = (3..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if fits { Ok(Self(text.to_owned())) } else { Err(ShortCodeError(text.to_owned())) }
    }
}

impl fmt::Display for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is not a short code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no short code: use three to eight letters and digits")]
pub struct ShortCodeError(String);

/// The answer to a handle that is taken. GitHub's own pages name both.
// E-22
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HandleConflict {
    /// 409 `uniqueness`.
    #[default]
    Conflict,
    /// 400, with a text that says that the account belongs to somebody else.
    BadRequest,
}

/// The identity provider of an enterprise, as far as accounts depend on it.
// E-33
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdentityProvider {
    /// Microsoft Entra ID: a suspended account keeps its e-mail address.
    #[default]
    Entra,
    /// Any other one: a suspended account's e-mail address is obfuscated.
    Other,
}
