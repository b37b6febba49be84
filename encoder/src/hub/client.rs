//! HTTP as the hub speaks it: redirects to other hosts, which must not see the token.

use std::time::Duration;

use ureq::http::header::{AUTHORIZATION, LOCATION, RANGE};
use ureq::http::{Response, Uri};
use ureq::{Agent, Body};

use super::{HubError, HubSettings};

/// A page of the hub redirects once or twice; more is a loop.
const MAX_REDIRECTS: usize = 8;

/// Sends requests to the hub.
pub struct Client {
    agent: Agent,
    endpoint: String,
    token: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Head,
    Get,
}

impl Client {
    pub fn new(settings: &HubSettings) -> Self {
        let config = Agent::config_builder()
            .user_agent(concat!("glimpse/", env!("CARGO_PKG_VERSION")))
            // Sizes and ranges count the bytes as stored.
            .accept_encoding("identity")
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(Duration::from_secs(15)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .timeout_per_read(Some(Duration::from_secs(60)))
            .build();
        let (endpoint, token) = (settings.endpoint.clone(), settings.token.clone());
        Self { agent: config.new_agent(), endpoint, token }
    }

    /// The address of a page of the hub.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.endpoint)
    }

    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// The answer to a GET, redirects followed; `from` skips the bytes before it.
    pub fn get(&self, url: &str, from: u64) -> Result<Response<Body>, HubError> {
        self.follow(Verb::Get, url, from, |_| true)
    }

    /// The answer to a HEAD. Redirects are followed only as far as they say nothing of the file:
    /// the last one leads to a content network, which knows neither the hub's checksum nor its
    /// size.
    pub fn head(&self, url: &str) -> Result<Response<Body>, HubError> {
        self.follow(Verb::Head, url, 0, |answer| !answer.headers().contains_key("x-linked-etag"))
    }

    fn follow(
        &self,
        verb: Verb,
        url: &str,
        from: u64,
        wanted: impl Fn(&Response<Body>) -> bool,
    ) -> Result<Response<Body>, HubError> {
        let mut url = url.to_owned();
        for _ in 0..MAX_REDIRECTS {
            let answer = self.send(verb, &url, from)?;
            if !answer.status().is_redirection() || !wanted(&answer) {
                return Ok(answer);
            }
            let target = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            url = target
                .and_then(|target| join(&url, target))
                .ok_or_else(|| HubError::BadAnswer { url: url.clone(), reason: "a redirect to nowhere".into() })?;
        }
        Err(HubError::BadAnswer { url, reason: "it redirects in circles".into() })
    }

    fn send(&self, verb: Verb, url: &str, from: u64) -> Result<Response<Body>, HubError> {
        let mut request = match verb {
            Verb::Head => self.agent.head(url),
            Verb::Get => self.agent.get(url),
        };
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        if let Some(token) = self.token.as_ref().filter(|_| origin(url) == origin(&self.endpoint)) {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        request.call().map_err(|error| HubError::Unreachable { url: url.to_owned(), reason: error.to_string() })
    }
}

/// Scheme, host and port.
fn origin(url: &str) -> Option<(String, String)> {
    let uri: Uri = url.parse().ok()?;
    Some((uri.scheme_str()?.to_lowercase(), uri.authority()?.as_str().to_lowercase()))
}

fn join(base: &str, target: &str) -> Option<String> {
    let (scheme, host) = origin(base)?;
    if target.starts_with("http://") || target.starts_with("https://") {
        Some(target.to_owned())
    } else if let Some(rest) = target.strip_prefix("//") {
        Some(format!("{scheme}://{rest}"))
    } else {
        target.starts_with('/').then(|| format!("{scheme}://{host}{target}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_resolved() {
        let base = "https://Hub.co:8443/a/b?c";
        assert_eq!(join(base, "/x").as_deref(), Some("https://hub.co:8443/x"));
        assert_eq!(join(base, "//cdn/x").as_deref(), Some("https://cdn/x"));
        assert_eq!(join(base, "http://other/x").as_deref(), Some("http://other/x"));
        assert_eq!(join(base, "file:///etc/passwd"), None);
        assert_ne!(origin("http://hub.co"), origin("http://hub.co:81"));
        assert_eq!(origin("HTTP://hub.co/x"), origin("http://HUB.co"));
    }
}
