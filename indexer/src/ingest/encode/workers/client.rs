//! One worker, as the library sees it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use glimpse_encoder::{Embedding, EncodeError, ModelInfo};
use serde::{Deserialize, Serialize};
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE};
use ureq::http::{StatusCode, Uri};
use ureq::{Agent, Body, RequestBuilder};

use super::wire::{self, PROTOCOL};
use crate::IndexError;
use crate::ingest::encode::model::{Ask, Model};
use crate::ingest::pipeline::item::Encoded;

/// Where a worker says what it is.
const INFO: &str = "api/v1/worker";
/// Where it takes batches.
const ENCODE: &str = "api/v1/worker/encode";
/// Where it takes texts.
const TEXTS: &str = "api/v1/worker/texts";
/// How long texts may take, and how much longer for each: somebody waits for the answer to a query.
const FEW_TEXTS: Duration = Duration::from_secs(10);
const TEXT: Duration = Duration::from_millis(500);
/// How long it may take to connect, and to say what it is.
const GREETING: Duration = Duration::from_secs(5);
/// How long a batch may take, and how much longer for each input of the model.
const BATCH: Duration = Duration::from_secs(60);
const INPUT: Duration = Duration::from_secs(15);
/// Largest answer: vectors of regions are most of it.
const MOST_BYTES: u64 = 256 << 20;
/// Largest error message.
const MOST_TEXT: u64 = 16 << 10;

/// A worker: its address, and the token that it asks for.
#[derive(Clone)]
pub struct Worker {
    /// With `http` or `https`, and without a slash at its end.
    url: String,
    token: Option<String>,
    agent: Agent,
}

/// What a worker says it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerInfo {
    /// Number of the protocol; other numbers are refused.
    pub protocol: u32,
    /// The program's version.
    pub version: String,
    /// Name of the model.
    pub model: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// What runs it.
    pub backend: String,
}

impl WorkerInfo {
    /// A worker of this program with a model.
    pub fn of(model: &ModelInfo) -> Self {
        Self {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            model: model.name.clone(),
            fingerprint: model.fingerprint.clone(),
            backend: model.backend.clone(),
        }
    }
}

/// Why there is no answer of use.
#[derive(Debug)]
pub enum Away {
    /// It does not answer, or not now: others may, and it may later.
    Silent(String),
    /// It answers, and will not work for this library.
    Refused(String),
}

/// Why a worker did not encode a batch.
#[derive(Debug)]
pub enum Failure {
    /// It went away; others may encode the batch.
    Away(Away),
    /// Its model failed on the batch.
    Model(EncodeError),
}

/// The body of an answer that is no success.
#[derive(Deserialize)]
struct Refusal {
    code: String,
    message: String,
}

impl FromStr for Worker {
    type Err = String;

    /// Reads an address such as `http://10.0.0.7:4748`.
    fn from_str(text: &str) -> Result<Self, String> {
        let url = text.trim_end_matches('/').to_owned();
        let uri: Uri = url.parse().map_err(|error| format!("`{text}` is no address: {error}"))?;
        let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
        if !is_http || uri.host().is_none_or(str::is_empty) || uri.query().is_some() {
            return Err(format!("`{text}` is no address of a worker; one is like http://10.0.0.7:4748"));
        }
        let config = Agent::config_builder()
            .user_agent(concat!("glimpse/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(GREETING))
            .build();
        Ok(Self { url, token: None, agent: config.new_agent() })
    }
}

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Worker {
    /// The same with the token that it asks for.
    #[must_use]
    pub fn with_token(self, token: Option<String>) -> Self {
        Self { token, ..self }
    }

    /// What went wrong with it.
    pub(crate) fn error(&self, reason: String) -> IndexError {
        IndexError::Worker { url: self.url.clone(), reason }
    }

    /// Asks what it is, and whether its model is the library's.
    pub(crate) fn greet(&self, model: &ModelInfo) -> Result<(), Away> {
        let request = self.signed(self.agent.get(format!("{}/{INFO}", self.url)));
        let request = request.config().timeout_global(Some(GREETING)).build();
        let answer = request.call().map_err(|error| Away::Silent(error.to_string()))?;
        let body = success(answer)?.into_with_config().limit(MOST_TEXT).read_to_vec();
        let body = body.map_err(|error| Away::Silent(error.to_string()))?;
        let info: WorkerInfo = serde_json::from_slice(&body)
            .map_err(|_| Away::Refused("it is no worker; start one with `glimpse worker`".to_owned()))?;
        if info.protocol != PROTOCOL {
            let reason = format!("its version {} does not fit this one ({})", info.version, env!("CARGO_PKG_VERSION"));
            return Err(Away::Refused(format!("{reason}; bring both to one version")));
        }
        if info.fingerprint != model.fingerprint {
            return Err(Away::Refused(format!(
                "it has the model `{}` (fingerprint {:.12}), this library is made with `{}` ({:.12}); start it with \
                 the same `--model`",
                info.model, info.fingerprint, model.name, model.fingerprint
            )));
        }
        Ok(())
    }

    /// Lets it encode a batch.
    pub(crate) fn encode(&self, model: &Model<'_>, batch: &[Ask<'_>]) -> Result<Vec<Encoded>, Failure> {
        let info = model.encoder.info();
        let body = wire::request(&info.fingerprint, model.profile, model.captions, batch);
        let body = body.map_err(|reason| Failure::Model(self.broken(reason)))?;
        let inputs: usize = batch.iter().map(|ask| ask.views.prepared().len()).sum();
        let time = BATCH + INPUT * u32::try_from(inputs).unwrap_or(u32::MAX / 16);
        let bytes = self.send(ENCODE, &body, time)?;
        wire::read_answer(&bytes, batch, info.dim).map_err(|reason| Failure::Model(self.broken(reason)))
    }

    /// Lets it encode texts, for a library that was made with `model`.
    ///
    /// # Errors
    /// [`IndexError::Worker`] if it does not answer, has another model, or its model fails.
    pub fn encode_texts(&self, model: &ModelInfo, texts: &[&str]) -> Result<Vec<Embedding>, IndexError> {
        let body = wire::texts_request(&model.fingerprint, texts).map_err(|reason| self.error(reason))?;
        let time = FEW_TEXTS + TEXT * u32::try_from(texts.len()).unwrap_or(u32::MAX / 16);
        let bytes = self.send(TEXTS, &body, time).map_err(|failure| match failure {
            Failure::Away(Away::Silent(reason) | Away::Refused(reason)) => self.error(reason),
            Failure::Model(error) => self.error(error.to_string()),
        })?;
        wire::read_texts_answer(&bytes, texts.len(), model.dim).map_err(|reason| self.error(reason))
    }

    /// Sends a batch and reads what is made of it.
    fn send(&self, to: &str, body: &[u8], time: Duration) -> Result<Vec<u8>, Failure> {
        let request = self.signed(self.agent.post(format!("{}/{to}", self.url)));
        let request = request.header(CONTENT_TYPE, "application/octet-stream");
        let request = request.config().timeout_global(Some(time)).build();
        let silent = |error: ureq::Error| Failure::Away(Away::Silent(error.to_string()));
        let answer = request.send(body).map_err(silent)?;
        if answer.status() == StatusCode::UNPROCESSABLE_ENTITY {
            let Refusal { message, .. } = refusal(answer.into_body());
            return Err(Failure::Model(self.broken(message)));
        }
        let answer = success(answer).map_err(Failure::Away)?;
        answer.into_with_config().limit(MOST_BYTES).read_to_vec().map_err(silent)
    }

    fn signed<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    fn broken(&self, reason: String) -> EncodeError {
        EncodeError::Backend { stage: "worker", reason: format!("{}: {reason}", self.url) }
    }
}

/// The body of a success. A worker that is busy or stops may answer later; one that wants a token,
/// or knows no such address, does not.
fn success(answer: ureq::http::Response<Body>) -> Result<Body, Away> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer.into_body());
    }
    let Refusal { code, message } = refusal(answer.into_body());
    let reason = if message.is_empty() { format!("it answered {status}") } else { message };
    Err(match status {
        StatusCode::UNAUTHORIZED => Away::Refused(format!("{reason}; give it with --worker-token")),
        StatusCode::NOT_FOUND => Away::Refused("it is no worker; start one with `glimpse worker`".to_owned()),
        _ if status.is_client_error() && code != "timeout" => Away::Refused(reason),
        _ => Away::Silent(reason),
    })
}

/// The message of an answer that is no success.
fn refusal(mut body: Body) -> Refusal {
    let text = body.with_config().limit(MOST_TEXT).read_to_vec().unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or(Refusal { code: String::new(), message: String::new() })
}
