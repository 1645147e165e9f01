//! Messages: bodies that are not resources, and the configuration that describes the service provider.
//!
//! Each message keeps members that it does not know (`other`) and writes its `schemas`. Optional members may be
//! missing, but not those that identify the message, because otherwise any object would be one. The PATCH message is
//! `scim_patch::PatchRequest`: reading it needs filters, which this crate does not have.

// CORE-088

mod bulk;
mod list_response;
mod members;
mod resource_type_document;
mod search_request;
mod service_provider_config;

pub use bulk::{BulkMethod, BulkOperation, BulkRequest, BulkResponse, BulkResult};
pub use list_response::ListResponse;
pub use members::take_members;
pub use resource_type_document::{ResourceTypeDocument, SchemaExtension};
pub use search_request::{SearchRequest, SortOrder};
pub use service_provider_config::{
    AsyncRequest, AuthenticationScheme, BulkSupport, FilterSupport, PaginationMethod, PaginationSupport,
    SecurityEvents, ServiceProviderConfig, Supported,
};
