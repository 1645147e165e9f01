//! What may stand in a value that must be unique: nothing that a person cannot see.

use serde_json::Value;

use crate::error::Error;
use crate::resource_type::AttrRef;

/// Refuses control characters in a unique attribute: `ada` and `ada` with a NUL behind it look like one person.
///
/// `now` is the value of `path`'s attribute as it is to be stored, `before` what is stored. A value that is stored
/// already may stay, so that the rest of its resource can be changed. Control characters are U+0000 to U+001F and
/// U+007F to U+009F.
///
/// # Errors
///
/// 400 `invalidValue` that names the path and the character.
///
/// ```
/// use scim_core::{ResourceType, check_unique_value};
/// let user_name = ResourceType::user().resolve("userName").unwrap();
/// let (plain, hidden) = ("ada".into(), "ada\0".into());
/// assert!(check_unique_value(&user_name, Some(&plain), None).is_ok());
/// let error = check_unique_value(&user_name, Some(&hidden), Some(&plain)).unwrap_err();
/// assert_eq!(error.detail, "`userName` holds the control character U+0000: leave it out");
/// assert!(check_unique_value(&user_name, Some(&hidden), Some(&hidden)).is_ok());
/// ```
pub fn check_unique_value(path: &AttrRef, now: Option<&Value>, before: Option<&Value>) -> Result<(), Error> {
    let Some(now) = now else { return Ok(()) };
    let mut found = None;
    path.for_each_in(now, &mut |value| {
        let Some(control) = value.as_str().and_then(|text| text.chars().find(|c| c.is_control())) else {
            return;
        };
        let mut is_stored = false;
        if let Some(before) = before {
            path.for_each_in(before, &mut |stored| is_stored |= stored == value);
        }
        if !is_stored {
            found = found.or(Some(control));
        }
    });
    match found {
        None => Ok(()),
        Some(control) => Err(Error::invalid_value(format!(
            "`{path}` holds the control character U+{:04X}: leave it out",
            u32::from(control)
        ))),
    }
}
