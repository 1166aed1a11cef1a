//! The older way to plan an event: the delay in the query of a request that sends it.

use std::{marker::PhantomData, time::Duration};

use ruma::{
    OwnedEventId,
    api::{IncomingRequest, Metadata, error::DeserializationError},
};
use serde::Serialize;

use crate::rohrpost::own::Answer;

const DELAY: &str = "org.matrix.msc4140.delay";

/// A request that sends an event, now or later.
pub(crate) struct Delayable<R> {
    pub(crate) request: R,
    /// After what time. `None`: now.
    pub(crate) delay: Option<Duration>,
    answer: PhantomData<fn() -> Sent>,
}

/// What became of it.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Sent {
    /// It was sent.
    Now {
        /// Its id.
        event_id: OwnedEventId,
    },
    /// It is planned.
    Later {
        /// The id by which it can be restarted, cancelled and sent.
        delay_id: String,
    },
}

impl<R: Metadata> Metadata for Delayable<R> {
    const METHOD: http::Method = R::METHOD;
    const RATE_LIMITED: bool = R::RATE_LIMITED;
    type Authentication = R::Authentication;
    type PathBuilder = R::PathBuilder;
    const PATH_BUILDER: R::PathBuilder = R::PATH_BUILDER;
}

impl<R: IncomingRequest> IncomingRequest for Delayable<R> {
    type EndpointError = R::EndpointError;
    type OutgoingResponse = Answer<Sent>;

    fn try_from_http_request_inner(
        request: http::Request<&[u8]>,
        path_args: &[&str],
    ) -> Result<Self, DeserializationError> {
        let delay = match delay(request.uri().query()) {
            Some(ms) => Some(Duration::from_millis(serde_json::from_str(ms)?)),
            None => None,
        };
        Ok(Self {
            request: R::try_from_http_request_inner(request, path_args)?,
            delay,
            answer: PhantomData,
        })
    }
}

fn delay(query: Option<&str>) -> Option<&str> {
    let mut pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(name, value)| (name == DELAY).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::delay;

    #[test]
    fn finds_the_delay_among_other_parameters() {
        assert_eq!(delay(Some("a=1&org.matrix.msc4140.delay=500&b")), Some("500"));
        assert_eq!(delay(Some("ts=1&delay=7")), None);
        assert_eq!(delay(None), None);
    }
}
