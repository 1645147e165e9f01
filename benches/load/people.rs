//! The people in a seeded store. Everything follows from a number, so that nothing has to be kept besides the file.

use anyhow::Context as _;
use scim_benches::user;
use scim_core::{Resource, urn};
use serde_json::{Value, json};

/// How many ordinary groups each person is in. With the group of all people that makes 5.
const GROUPS_EACH: usize = 4;

/// How many people an ordinary group has.
const GROUP_SIZE: usize = 40;

/// How many people are in no group, so that they can be added to one.
pub(crate) const SPARE: usize = 2_000;

/// A multiplier that scatters people over groups. It is coprime to every power of 10.
const SCATTER: usize = 7_919;

/// How many people a store has. There are a tenth as many groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) usize);

impl Size {
    pub(crate) fn people(self) -> usize {
        self.0
    }

    pub(crate) fn groups(self) -> usize {
        self.0 / 10
    }

    /// Returns the members of an ordinary group.
    pub(crate) fn members(self, group: usize) -> impl Iterator<Item = usize> {
        (group * GROUP_SIZE..(group + 1) * GROUP_SIZE).map(move |place| place * SCATTER % self.0)
    }

    /// Returns the sizes of the large groups: the first thousandth, the first tenth, and all of the people.
    pub(crate) fn large_groups(self) -> [usize; 3] {
        [self.0 / 1_000, self.0 / 10, self.0]
    }

    /// Returns a person who is in ordinary groups and in the group of all, and in no other.
    pub(crate) fn somebody(self, number: u64) -> usize {
        let alike = self.0 - self.0 / 10;
        let scattered = usize::try_from(number).unwrap_or_default().wrapping_mul(SCATTER * SCATTER);
        self.0 / 10 + scattered % alike
    }
}

const _: () = assert!(GROUP_SIZE == GROUPS_EACH * 10);

/// Returns the id of a person. Ids are ordered by time, as those that a server makes.
pub(crate) fn person_id(number: usize) -> String {
    format!("00000000-0000-7000-8000-{number:012x}")
}

pub(crate) fn group_id(number: usize) -> String {
    format!("00000000-0000-7000-9000-{number:012x}")
}

/// Returns the id of the group of the first `size` people.
pub(crate) fn large_group_id(size: usize) -> String {
    format!("00000000-0000-7000-a000-{size:012x}")
}

pub(crate) fn user_name(number: usize) -> String {
    format!("person{number:07}@example.com")
}

/// One user of about 1 kB, from which others are made.
#[derive(Debug)]
pub(crate) struct Person(Resource);

impl Person {
    pub(crate) fn new() -> Self {
        Self(user::ingest(user::BODY).resource)
    }

    /// Makes the document of a person. Family names and external ids come in scattered order.
    pub(crate) fn document(&self, number: usize) -> Resource {
        let mut resource = self.0.clone();
        let scattered = number.wrapping_mul(SCATTER) % 1_000_003;
        let name = user_name(number);
        let map = resource.as_map_mut();
        map.insert("externalId".into(), format!("ext{scattered:06}{number:07}").into());
        map.insert("displayName".into(), format!("Babs Jensen {number:07}").into());
        map["emails"][0]["value"] = name.as_str().into();
        map["emails"][1]["value"] = format!("babs{scattered:06}@{number:07}.example.org").into();
        map["name"]["familyName"] = format!("Jensen{scattered:06}").into();
        map["name"]["givenName"] = format!("Barbara{:04}", scattered % 1_000).into();
        map.insert("userName".into(), name.into());
        resource
    }

    /// Makes the body with which a client creates one more user.
    pub(crate) fn body(&self, number: usize) -> anyhow::Result<Vec<u8>> {
        serde_json::to_vec(self.document(number).as_map()).context("a user cannot be written")
    }
}

pub(crate) fn group(name: &str) -> Resource {
    let Value::Object(map) = json!({"schemas": [urn::GROUP], "displayName": name}) else {
        return Resource::default();
    };
    Resource::from_canonical(map)
}
