//! Messages: the bodies that are no resources, and the configuration that describes the service provider.
//!
//! Each is lossless for members it does not know (`other`), reads what others leave out (but not without the
//! members that make it this message, or any object would be one), and writes its
//! `schemas`. The PATCH message is `scim_patch::PatchRequest`: reading it takes filters, which
//! this crate does not know.

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
