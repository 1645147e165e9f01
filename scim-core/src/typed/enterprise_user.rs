//! The enterprise extension.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ExtensionType;
use crate::urn;

/// The enterprise extension of `User` — RFC 7643 §4.3.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct EnterpriseUser {
    /// The employee number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_number: Option<String>,
    /// The cost centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_center: Option<String>,
    /// The organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The division.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub division: Option<String>,
    /// The department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// The manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager: Option<Manager>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl EnterpriseUser {
    /// Makes an extension without values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `employeeNumber`.
    #[must_use]
    pub fn with_employee_number(mut self, employee_number: impl Into<String>) -> Self {
        self.employee_number = Some(employee_number.into());
        self
    }

    /// Sets `costCenter`.
    #[must_use]
    pub fn with_cost_center(mut self, cost_center: impl Into<String>) -> Self {
        self.cost_center = Some(cost_center.into());
        self
    }

    /// Sets `organization`.
    #[must_use]
    pub fn with_organization(mut self, organization: impl Into<String>) -> Self {
        self.organization = Some(organization.into());
        self
    }

    /// Sets `division`.
    #[must_use]
    pub fn with_division(mut self, division: impl Into<String>) -> Self {
        self.division = Some(division.into());
        self
    }

    /// Sets `department`.
    #[must_use]
    pub fn with_department(mut self, department: impl Into<String>) -> Self {
        self.department = Some(department.into());
        self
    }

    /// Sets `manager`.
    #[must_use]
    pub fn with_manager(mut self, manager: Manager) -> Self {
        self.manager = Some(manager);
        self
    }
}

impl ExtensionType for EnterpriseUser {
    const SCHEMA: &'static str = urn::ENTERPRISE_USER;
}

/// A user's manager.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Manager {
    /// The `id` of the manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The manager's URI.
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The manager's name. It is read-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Manager {
    /// Makes a reference to the manager with this `id`.
    pub fn new(id: impl Into<String>) -> Self {
        Self { value: Some(id.into()), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn core_067_every_attribute_is_a_field_and_others_survive() {
        let body = json!({
            "employeeNumber": "1", "costCenter": "c", "organization": "o", "division": "d", "department": "e",
            "manager": {"value": "m", "$ref": "../Users/m", "displayName": "M", "x": 1}, "y": [2],
        });
        let read: EnterpriseUser = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), body);
        let known: Vec<_> = read.other.keys().collect();
        assert_eq!(known, ["y"]);
        let built = EnterpriseUser::new()
            .with_employee_number("1")
            .with_cost_center("c")
            .with_organization("o")
            .with_division("d")
            .with_department("e")
            .with_manager(Manager::new("m"));
        assert_eq!(built.department, read.department);
        assert_eq!(built.manager.unwrap().value, read.manager.unwrap().value);
    }
}
