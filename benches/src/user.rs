//! One user of about 1 kB, as an identity provider sends it.

#![allow(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use std::sync::Arc;

use scim_core::{
    Ingested, Lenience, Leniency, Limits, Meta, Projection, Representation, Resource, ResourceType, Timestamp,
};

/// The body that creates the user.
///
/// It has names, 2 e-mail addresses, a telephone number, an address, a role, and the enterprise extension with a
/// manager.
pub const BODY: &[u8] = include_bytes!("../data/user.json");

/// Reads a body as a server with the default leniency does.
pub fn ingest(body: &[u8]) -> Ingested {
    scim_core::ingest(
        body,
        &ResourceType::user(),
        None,
        &mut Lenience::new(Leniency::INTEROP),
        &Limits::default(),
    )
    .expect("the body is sound")
}

/// Everything that an answer with the user is made from.
#[derive(Debug)]
pub struct Rendering {
    resource_type: Arc<ResourceType>,
    resource: Resource,
    meta: Meta,
    three: Projection,
}

impl Rendering {
    /// Makes one from [`BODY`].
    pub fn new() -> Self {
        let resource_type = ResourceType::user();
        let now = Timestamp::from_millis(1_795_305_600_000);
        let location = "https://example.com/v2/Users/2819c223-7f76-453a-919d-413861904646";
        Self {
            resource: ingest(BODY).resource,
            meta: Meta::new("User", now, now, location, "W/\"3694e05e9dff591\""),
            three: Projection::new(&resource_type, &["userName", "name.familyName", "emails"], &[])
                .expect("a projection"),
            resource_type,
        }
    }

    /// Writes the answer to a request that names no attributes.
    pub fn whole(&self) -> Vec<u8> {
        self.write(&Projection::default())
    }

    /// Writes the answer to a request for 3 attributes.
    pub fn three_attributes(&self) -> Vec<u8> {
        self.write(&self.three)
    }

    fn write(&self, projection: &Projection) -> Vec<u8> {
        serde_json::to_vec(&Representation {
            resource_type: &self.resource_type,
            id: "2819c223-7f76-453a-919d-413861904646",
            resource: &self.resource,
            meta: &self.meta,
            computed: &[],
            projection,
        })
        .expect("it can be written")
    }
}

impl Default for Rendering {
    fn default() -> Self {
        Self::new()
    }
}
