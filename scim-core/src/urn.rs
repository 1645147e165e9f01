//! The URIs that SCIM defines (RFC 7643 §10.3, RFC 7644 §10).

/// The `User` schema.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The `Group` schema.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The enterprise extension of `User`.
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The `ServiceProviderConfig` schema.
pub const SERVICE_PROVIDER_CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
/// The `ResourceType` schema.
pub const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
/// The `Schema` schema.
pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
/// The list response message.
pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// The search request message.
pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// The PATCH message.
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The bulk request message.
pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// The bulk response message.
pub const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
/// The error message.
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// The media type of every SCIM body (RFC 7644 §8.1).
pub const MEDIA_TYPE: &str = "application/scim+json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_086_every_urn_has_the_registered_shape() {
        for schema in [USER, GROUP, ENTERPRISE_USER, SERVICE_PROVIDER_CONFIG, RESOURCE_TYPE, SCHEMA] {
            assert!(schema.starts_with("urn:ietf:params:scim:schemas:"), "{schema}");
        }
        for message in [LIST_RESPONSE, SEARCH_REQUEST, PATCH_OP, BULK_REQUEST, BULK_RESPONSE, ERROR] {
            assert!(message.starts_with("urn:ietf:params:scim:api:messages:2.0:"), "{message}");
        }
    }
}
