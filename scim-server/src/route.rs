//! Leads from method and path to an operation — RFC 7644 §3.2.

use std::sync::Arc;

use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use scim_core::{Error, Registry, ResourceType, shorten};
use scim_server_traits::{Action, Operation};

/// What a request asks for.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    Change(Target),
    List(Arc<ResourceType>),
    /// A list of a standard type that is not served, with its path.
    ListUnserved(String),
    Search(Arc<ResourceType>),
    ListAll,
    SearchAll,
    Read(Arc<ResourceType>, String),
    ServiceProviderConfig,
    ResourceTypes,
    ResourceType(String),
    Schemas,
    Schema(String),
    Bulk,
    Me(Method),
    OpenApi,
}

/// The one resource that a request changes, and how. The request may be single, part of a bulk request, or for `/Me`.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    Create(Arc<ResourceType>),
    Replace(Arc<ResourceType>, String),
    Patch(Arc<ResourceType>, String),
    Delete(Arc<ResourceType>, String),
}

impl Target {
    pub(crate) fn resource_type(&self) -> &Arc<ResourceType> {
        match self {
            Self::Create(resource_type)
            | Self::Replace(resource_type, _)
            | Self::Patch(resource_type, _)
            | Self::Delete(resource_type, _) => resource_type,
        }
    }

    /// Returns what is done to it.
    pub(crate) fn operation(&self) -> Operation {
        match self {
            Self::Create(_) => Operation::Create,
            Self::Replace(..) => Operation::Replace,
            Self::Patch(..) => Operation::Patch,
            Self::Delete(..) => Operation::Delete,
        }
    }

    /// Returns its id, unless it is still to be created.
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Create(_) => None,
            Self::Replace(_, id) | Self::Patch(_, id) | Self::Delete(_, id) => Some(id),
        }
    }

    /// Returns what the policy decides on.
    pub(crate) fn action(&self) -> Action<'_> {
        Action::new(self.operation(), Some(self.resource_type()), self.id())
    }

    /// Returns whether the request needs a body.
    pub(crate) fn takes_body(&self) -> bool {
        !matches!(self, Self::Delete(..))
    }
}

impl Route {
    /// Returns what the policy decides on.
    pub(crate) fn action(&self) -> Action<'_> {
        Action::new(self.operation(), self.resource_type().map(|resource_type| &**resource_type), self.id())
    }

    /// Returns what the request does.
    pub(crate) fn operation(&self) -> Operation {
        match self {
            Self::Change(target) => target.operation(),
            Self::List(_) | Self::ListUnserved(_) | Self::ListAll => Operation::List,
            Self::Search(_) | Self::SearchAll => Operation::Search,
            Self::Read(..) => Operation::Read,
            Self::ServiceProviderConfig
            | Self::ResourceTypes
            | Self::ResourceType(_)
            | Self::Schemas
            | Self::Schema(_)
            | Self::OpenApi => Operation::Discovery,
            Self::Bulk => Operation::Bulk,
            Self::Me(_) => Operation::Me,
        }
    }

    /// Returns the resource type of the request, if it is about one.
    pub(crate) fn resource_type(&self) -> Option<&Arc<ResourceType>> {
        match self {
            Self::Change(target) => Some(target.resource_type()),
            Self::List(resource_type) | Self::Search(resource_type) | Self::Read(resource_type, _) => {
                Some(resource_type)
            }
            _ => None,
        }
    }

    /// Returns the id of the resource, if the request names one.
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Read(_, id) => Some(id),
            Self::Change(target) => target.id(),
            _ => None,
        }
    }
}

/// Why a request has no route.
#[derive(Clone, Debug)]
pub(crate) enum RouteError {
    /// An error that is answered as it is.
    Error(Error),
    /// The path is served, but not for this method.
    Method { allow: &'static str },
}

impl From<Error> for RouteError {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Finds the route below the first of these paths that matches. HEAD is routed like GET (RFC 9110 §9.3.2). Endpoints
/// are case-sensitive; doubled and trailing slashes do not matter.
//
pub(crate) fn route(
    registry: &Registry,
    base_paths: &[String],
    method: &Method,
    path: &str,
) -> Result<Route, RouteError> {
    let squeezed = squeeze(path);
    let below = |base: &String| {
        squeezed.strip_prefix(base.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let method = if method == Method::HEAD { &Method::GET } else { method };
    match base_paths.iter().find_map(below) {
        Some(below) => route_below(registry, method, below),
        None => Err(Error::not_found(format!("there is no endpoint `{}`", shorten(path))).into()),
    }
}

/// Finds the route of a path below the base.
pub(crate) fn route_below(registry: &Registry, method: &Method, below: &str) -> Result<Route, RouteError> {
    let nowhere = || Error::not_found(format!("there is no endpoint `{}`", shorten(below)));
    let segments = below
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| percent_decode_str(segment).decode_utf8().map(std::borrow::Cow::into_owned))
        .collect::<Result<Vec<String>, _>>()
        .map_err(|_| nowhere())?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match *segments.as_slice() {
        ["ServiceProviderConfig"] => only_get(method, Route::ServiceProviderConfig),
        ["ResourceTypes"] => only_get(method, Route::ResourceTypes),
        ["ResourceTypes", name] => only_get(method, Route::ResourceType(name.to_owned())),
        ["Schemas"] => only_get(method, Route::Schemas),
        ["Schemas", urn] => only_get(method, Route::Schema(urn.to_owned())),
        [] => only_get(method, Route::ListAll),
        [".search"] => only_post(method, Route::SearchAll),
        ["openapi.json"] => only_get(method, Route::OpenApi),
        ["Bulk"] => only_post(method, Route::Bulk),
        ["Me"] => match *method {
            Method::GET | Method::POST | Method::PUT | Method::PATCH | Method::DELETE => {
                Ok(Route::Me(method.clone()))
            }
            _ => Err(RouteError::Method { allow: "GET, HEAD, POST, PUT, PATCH, DELETE" }),
        },
        [endpoint, ".search"] => {
            only_post(method, Route::Search(find(registry, endpoint).ok_or_else(nowhere)?))
        }
        [endpoint @ ("Users" | "Groups")] if *method == Method::GET && find(registry, endpoint).is_none() => {
            Ok(Route::ListUnserved(below.to_owned()))
        }
        [endpoint] => {
            let resource_type = find(registry, endpoint).ok_or_else(nowhere)?;
            match *method {
                Method::GET => Ok(Route::List(resource_type)),
                Method::POST => Ok(Route::Change(Target::Create(resource_type))),
                _ => Err(RouteError::Method { allow: "GET, HEAD, POST" }),
            }
        }
        [endpoint, id] => {
            let resource_type = find(registry, endpoint).ok_or_else(nowhere)?;
            let id = id.to_owned();
            match *method {
                Method::GET => Ok(Route::Read(resource_type, id)),
                Method::PUT => Ok(Route::Change(Target::Replace(resource_type, id))),
                Method::PATCH => Ok(Route::Change(Target::Patch(resource_type, id))),
                Method::DELETE => Ok(Route::Change(Target::Delete(resource_type, id))),
                _ => Err(RouteError::Method { allow: "GET, HEAD, PUT, PATCH, DELETE" }),
            }
        }
        _ => Err(nowhere().into()),
    }
}

impl RouteError {
    /// Returns the error to answer, and the `Allow` header if one is required. `patching` says whether PATCH is
    /// offered.
    pub(crate) fn into_parts(self, method: &Method, path: &str, patching: bool) -> (Error, Option<String>) {
        match self {
            Self::Error(error) => (error, None),
            Self::Method { allow } => {
                let allow = if patching { allow.to_owned() } else { allow.replace("PATCH, ", "") };
                let detail = format!("`{method}` is not allowed on `{path}`: use {allow}");
                (Error::new(StatusCode::METHOD_NOT_ALLOWED, detail), Some(allow))
            }
        }
    }
}

fn find(registry: &Registry, endpoint: &str) -> Option<Arc<ResourceType>> {
    registry.by_endpoint(&format!("/{endpoint}")).cloned()
}

fn only_get(method: &Method, route: Route) -> Result<Route, RouteError> {
    if method == Method::GET { Ok(route) } else { Err(RouteError::Method { allow: "GET, HEAD" }) }
}

fn only_post(method: &Method, route: Route) -> Result<Route, RouteError> {
    if method == Method::POST { Ok(route) } else { Err(RouteError::Method { allow: "POST" }) }
}

fn squeeze(path: &str) -> String {
    let mut squeezed = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !squeezed.ends_with('/') {
            squeezed.push(c);
        }
    }
    squeezed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(method: Method, path: &str) -> Result<Route, RouteError> {
        route(&Registry::standard(), &["/scim/v2".to_owned(), "/t/scim".to_owned()], &method, path)
    }

    #[test]
    fn e_2_e_3_q_43_paths() {
        assert!(matches!(at(Method::GET, "/scim/v2/Users"), Ok(Route::List(_))));
        assert!(matches!(at(Method::GET, "//scim/v2//Users/"), Ok(Route::List(_))));
        assert!(matches!(at(Method::GET, "/scim/v2/Users/a%2Fb"), Ok(Route::Read(_, id)) if id == "a/b"));
        assert!(matches!(at(Method::HEAD, "/t/scim/Users/1"), Ok(Route::Read(_, id)) if id == "1"));
        for nowhere in [
            "/scim/v2/users",
            "/t/scimmy/Users",
            "/scim/v20/Users",
            "/Users",
            "/scim/v2/Users/1/2",
            "/scim/v2/Users/%FF",
        ] {
            let error = at(Method::GET, nowhere).unwrap_err().into_parts(&Method::GET, nowhere, true).0;
            assert_eq!(error.status, 404, "{nowhere}");
        }
    }

    #[test]
    fn disc_006_srv_010_methods_and_what_is_not_there() {
        let status = |method: Method, path: &str| {
            at(method.clone(), path).unwrap_err().into_parts(&method, path, true).0.status
        };
        assert_eq!(status(Method::POST, "/scim/v2/Schemas"), 405);
        assert_eq!(status(Method::PUT, "/scim/v2/Users"), 405);
        assert_eq!(status(Method::POST, "/scim/v2/Users/1"), 405);
        assert_eq!(status(Method::GET, "/scim/v2/Bulk"), 405);
        assert_eq!(status(Method::GET, "/scim/v2/Me/Groups"), 404);
    }
}
