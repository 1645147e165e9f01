//! `GET /{type}` and `GET /` — RFC 7644 §3.4.2.

use std::sync::Arc;

use http::StatusCode;
use scim_core::{Error, ListResponse, Projection, Quirks, Resolved, ResourceType, ScimType};
use scim_filter::{BoundFilter, Filter};
use scim_server_traits::Query;
use serde_json::Value;

use crate::parameters::Parameters;
use crate::respond::{Answer, Shown, wanted_relations};
use crate::server::Call;

/// The resources of one type.
pub(crate) async fn run(
    call: &Call<'_>,
    parameters: &Parameters,
    resource_type: &Arc<ResourceType>,
) -> Result<Answer, Error> {
    let part = Part::new(call, parameters, resource_type, Filter::bind)?;
    let page = Page::new(call, parameters)?;
    let (total, resources) = part.query(call, page.offset, page.count).await?;
    page.answer(total, resources)
}

/// The resources of all types, one type after the other (SRV-036).
pub(crate) async fn run_all(call: &Call<'_>, parameters: &Parameters) -> Result<Answer, Error> {
    let types = call.server.registry.resource_types();
    // FILT-019: what one type lacks counts as having no value, but some type must know each attribute.
    let leniency = &call.server.leniency;
    if let Some(text) = &parameters.filter {
        let filter = Filter::parse_with(text, leniency)?;
        let is_known = |path: &str| {
            types.iter().any(|known| known.resolve_with(path, leniency, &mut Quirks::default()).is_ok())
        };
        if let Some(path) = filter.paths().into_iter().find(|path| !is_known(path)) {
            return Err(Error::invalid_filter(format!("`{path}` is no attribute of any resource type")));
        }
    }
    let page = Page::new(call, parameters)?;
    let (mut total, mut resources) = (0, Vec::new());
    for resource_type in types {
        let part = Part::new(call, parameters, resource_type, Filter::bind_at_root)?;
        let left = page.count - resources.len() as u64;
        let (matches, more) = part.query(call, page.offset.saturating_sub(total), left).await?;
        total += matches;
        resources.extend(more);
    }
    page.answer(total, resources)
}

/// How a filter is bound to a type.
type Bind = fn(&Filter, &ResourceType, &scim_core::Leniency) -> Result<BoundFilter, scim_filter::FilterError>;

/// What a request comes to for one resource type.
struct Part {
    resource_type: Arc<ResourceType>,
    filter: Option<BoundFilter>,
    projection: Projection,
}

impl Part {
    fn new(
        call: &Call<'_>,
        parameters: &Parameters,
        resource_type: &Arc<ResourceType>,
        bind: Bind,
    ) -> Result<Self, Error> {
        let leniency = &call.server.leniency;
        parameters.refuse_unsupported()?;
        let filter = match &parameters.filter {
            None => None,
            Some(text) => {
                let filter = Filter::parse_with(text, leniency)?;
                if parameters.in_url {
                    refuse_sensitive(call, &filter, resource_type)?;
                }
                let bound = bind(&filter, resource_type, leniency)?;
                call.report(bound.quirks());
                Some(bound)
            }
        };
        let projection = parameters.projection(resource_type)?;
        Ok(Self { resource_type: Arc::clone(resource_type), filter, projection })
    }

    /// How many resources match, and those of a page.
    async fn query(self, call: &Call<'_>, offset: u64, limit: u64) -> Result<(u64, Vec<Value>), Error> {
        let mut query = Query::new(Arc::clone(&self.resource_type))
            .page(offset, limit)
            .with_relations(wanted_relations(&self.resource_type, &self.projection));
        query.filter = self.filter;
        query.scan_limit = call.server.scan_limit;
        let page = call.server.store.query(&call.context, query).await?;
        let shown = page
            .resources
            .into_iter()
            .map(|stored| Shown::new(call.server, &self.resource_type, stored).to_value(&self.projection));
        Ok((page.total, shown.collect::<Result<_, _>>()?))
    }
}

/// FILT-026: what must not stand in URLs is asked for by `.search`.
fn refuse_sensitive(call: &Call<'_>, filter: &Filter, resource_type: &ResourceType) -> Result<(), Error> {
    let leniency = &call.server.leniency;
    let is_sensitive = |path: &&str| match resource_type.resolve_with(path, leniency, &mut Quirks::default())
    {
        // A path without sub-attribute stands for all of them, and so does one that is sensitive.
        Ok(Resolved::Attribute(asked)) => call.server.sensitive.iter().any(|known| {
            known.extension() == asked.extension()
                && known.attribute().name == asked.attribute().name
                && known.sub().zip(asked.sub()).is_none_or(|(known, asked)| known.name == asked.name)
        }),
        _ => false,
    };
    match filter.paths().iter().find(|path| is_sensitive(path)) {
        Some(path) => Err(Error::scim(
            ScimType::Sensitive,
            format!("`{path}` must not be asked for in a URL: send the filter to `.search` by POST"),
        )),
        None => Ok(()),
    }
}

/// Which part of the matches is asked for.
struct Page {
    offset: u64,
    count: u64,
}

impl Page {
    fn new(call: &Call<'_>, parameters: &Parameters) -> Result<Self, Error> {
        let count = parameters.count(call.server.default_page, call.server.max_page)?;
        Ok(Self { offset: parameters.start_index()? - 1, count })
    }

    fn answer(&self, total: u64, resources: Vec<Value>) -> Result<Answer, Error> {
        Answer::json(StatusCode::OK, &ListResponse::page(total, self.offset + 1, resources))
    }
}
