//! Looks names up in the domain name system, with the settings of this computer: its resolvers, its `hosts` file.
//!
//! Answers are kept for as long as they say, a "no" too, so a name that isn't there costs one question and no waiting.

use std::{net::IpAddr, time::Duration};

use hickory_resolver::{
    TokioResolver,
    proto::rr::{RData, RecordType},
};

use crate::egress::EgressError;

/// Longest time for one question to one resolver, and how often it is asked again.
const TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPTS: usize = 2;
/// Names that are kept.
const CACHE: u64 = 4096;
/// For how long at least a "no" is kept, and for how long at most anything.
const NEGATIVE_MIN: Duration = Duration::from_secs(30);
const MAX: Duration = Duration::from_secs(60 * 60);
/// Places that a service may be at.
const MAX_PLACES: usize = 8;

/// The resolver.
pub(super) struct Names(TokioResolver);

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Names {
    pub(super) fn new() -> Result<Self, EgressError> {
        let resolver = |error: hickory_resolver::net::NetError| EgressError::Resolver(error.to_string());
        let mut builder = TokioResolver::builder_tokio().map_err(resolver)?;
        let options = builder.options_mut();
        options.timeout = TIMEOUT;
        options.attempts = ATTEMPTS;
        options.cache_size = CACHE;
        options.negative_min_ttl = Some(NEGATIVE_MIN);
        options.negative_max_ttl = Some(MAX);
        options.positive_max_ttl = Some(MAX);
        Ok(Self(builder.build().map_err(resolver)?))
    }

    /// The addresses of a host. Empty when there are none.
    pub(super) async fn addresses(&self, host: &str) -> Vec<IpAddr> {
        match self.0.lookup_ip(host).await {
            Ok(found) => found.iter().collect(),
            Err(_) => Vec::new(),
        }
    }

    /// Where a service is, the place to try first at the front. Empty when nothing says so.
    pub(super) async fn service(&self, name: &str) -> Vec<Service> {
        // With a dot at the end: search domains are for people, not for services.
        let Ok(found) = self.0.lookup(format!("{name}."), RecordType::SRV).await else {
            return Vec::new();
        };
        let mut places: Vec<_> = found
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::SRV(place) => Some(place.clone()),
                _ => None,
            })
            .collect();
        places.sort_by_key(|place| (place.priority, std::cmp::Reverse(place.weight)));
        places.truncate(MAX_PLACES);
        places
            .into_iter()
            .map(|place| Service {
                host: place.target.to_utf8().trim_end_matches('.').to_owned(),
                port: place.port,
            })
            // "A Target of "." means that the service is decidedly not available at this domain."
            .filter(|place| !place.host.is_empty())
            .collect()
    }
}
