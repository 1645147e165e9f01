#![doc = include_str!("../README.md")]

mod at;
mod base64;
mod canonical;
mod date_time;
mod element;
mod error;
mod fold;
mod ingest;
mod json;
mod lenience;
mod leniency;
mod limits;
mod members;
mod message;
mod name;
mod outdated;
mod printable;
mod project;
mod reference;
mod registry;
mod replace;
mod representation;
mod required;
mod resource;
mod resource_type;
mod scalar;
mod schema;
mod shorten;
mod typed;
mod unique;
pub mod urn;
mod verbatim;
mod weight;
mod wire;
mod work;

pub use base64::decode_base64;
pub use canonical::{Canonical, ReadOnly, is_nested_list};
pub use date_time::{DateTime, DateTimeError, Timestamp};
pub use element::{add_elements, merge_duplicates};
pub use error::{Error, ScimType};
pub use fold::fold;
pub use ingest::{Ingested, ingest, ingest_value};
pub use json::parse_json;
pub use lenience::{Lenience, PassedOver};
pub use leniency::{Leniency, Preset, Quirk, Quirks, UnknownAttributes, UnknownPreset};
pub use limits::{Limits, TextLimits};
pub use members::is_assigned;
pub use message::{
    AsyncRequest, AuthenticationScheme, BulkMethod, BulkOperation, BulkRequest, BulkResponse, BulkResult,
    BulkSupport, FilterSupport, ListResponse, PaginationMethod, PaginationSupport, ResourceTypeDocument,
    SchemaExtension, SearchRequest, SecurityEvents, ServiceProviderConfig, SortOrder, Supported,
    take_members,
};
pub use name::{AttrPath, AttrPathError, is_attribute_name};
pub use printable::printable;
pub use project::Projection;
pub use reference::{Reference, resource_at};
pub use registry::{Lint, Registry, RegistryBuilder, RegistryError};
pub use representation::{Meta, Representation};
pub use required::check_required;
pub use resource::Resource;
pub use resource_type::{
    AttrRef, Extension, Relation, ResolveError, Resolved, ResourceType, ResourceTypeBuilder,
    ResourceTypeError, Side,
};
pub use scalar::json_kind;
pub use schema::{
    Attribute, DescribeSchema, Mutability, Returned, Schema, SchemaBuilder, SchemaError, Type, Uniqueness,
};
pub use shorten::shorten;
pub use typed::{
    Address, EnterpriseUser, Extensible, ExtensionType, Group, Manager, MemberRef, MultiValue, Name,
    Password, ResourceMeta, ScimResource, User,
};
pub use unique::{UniqueProfile, check_unique_value};
pub use verbatim::Verbatim;
pub use weight::weight;
pub use work::{Exhausted, Meter, Work};
