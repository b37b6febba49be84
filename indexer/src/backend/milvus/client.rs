//! Calls of a Milvus server: with a limit of time each, made again after a pause while the server
//! is away or busy, from any thread.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use prost::Message;
use tokio::runtime::{Builder, Runtime};
use tonic::metadata::MetadataValue;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Uri};
use tonic::{Code, Request};

use super::messages::{self, Status};
use crate::IndexError;
use crate::backend::VectorsAt;

/// Where a user's name and password are, or a key of a hosted service: no file keeps them.
const TOKEN: &str = "GLIMPSE_MILVUS_TOKEN";
/// A PEM file with the certificate that signed the server's, where no public authority did.
const CERTIFICATE: &str = "GLIMPSE_MILVUS_CA";
/// Most bytes of an answer: 16,384 vectors of 1,536 values, twice.
const LARGEST: usize = 256 << 20;
/// The pause before a call is made again; each is twice the one before, up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// One try.
    pub once: Duration,
    /// All tries together; a try that has begun is waited for.
    pub whole: Duration,
}

impl Patience {
    /// Somebody waits for the answer.
    pub const QUESTION: Self = Self { once: Duration::from_secs(20), whole: Duration::from_secs(12) };
    /// Nobody does.
    pub const FEED: Self = Self { once: Duration::from_secs(120), whole: Duration::from_secs(90) };
}

/// A connection, which is made with the first call and again whenever it is lost.
pub struct Client {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    channel: Channel,
    url: String,
    /// Sent with every call.
    headers: Vec<(&'static str, MetadataValue<tonic::metadata::Ascii>)>,
}

/// What answers carry besides their content.
pub trait Answer: Message + Default + Send + Sync + 'static {
    fn status(&self) -> Option<&Status>;
}

macro_rules! answers {
    ($($message:ty),*) => {
        $(impl Answer for $message {
            fn status(&self) -> Option<&Status> {
                self.status.as_ref()
            }
        })*
    };
}

answers!(
    messages::Version,
    messages::Truth,
    messages::Indexes,
    messages::LoadState,
    messages::Flushed,
    messages::Changed,
    messages::Found,
    messages::Queried
);

impl Answer for Status {
    fn status(&self) -> Option<&Status> {
        Some(self)
    }
}

/// Why a try came to nothing.
struct Failure {
    reason: String,
    /// Another try may succeed.
    is_passing: bool,
}

impl Client {
    /// Of the server that `at` names; nothing is sent yet.
    ///
    /// # Errors
    /// [`IndexError::Vectors`] for an address or a setting that makes no sense.
    pub fn new(at: &VectorsAt) -> Result<Self, IndexError> {
        let fault = |reason: String| IndexError::Vectors { url: at.url.clone(), reason };
        let no_address =
            |error: &dyn std::fmt::Display| fault(format!("this is no address ({error}); give http://HOST:19530"));
        if !at.url.starts_with("http://") && !at.url.starts_with("https://") {
            return Err(no_address(&"it begins with neither http:// nor https://"));
        }
        let mut endpoint = Endpoint::from_shared(at.url.clone()).map_err(|error| no_address(&error))?;
        endpoint = endpoint
            .connect_timeout(Duration::from_secs(5))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10));
        if at.url.starts_with("https://") {
            let tls = tls(std::env::var_os(CERTIFICATE)).map_err(&fault)?;
            endpoint = endpoint.tls_config(tls).map_err(|error| fault(with_causes(&error)))?;
        }
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("milvus").enable_all().build();
        let runtime = runtime.map_err(|error| fault(format!("no thread to call it from: {error}")))?;
        let channel = {
            let _inside = runtime.enter();
            endpoint.connect_lazy()
        };
        let mut headers = Vec::new();
        if let Ok(token) = std::env::var(TOKEN) {
            let coded = base64::engine::general_purpose::STANDARD.encode(token);
            headers.push(("authorization", coded.parse().map_err(|_| fault(format!("{TOKEN} cannot be sent")))?));
        }
        if !at.database.is_empty() {
            let database = at.database.parse();
            headers.push(("dbname", database.map_err(|_| fault(format!("`{}` is no database", at.database)))?));
        }
        Ok(Self { runtime: Some(runtime), channel, url: at.url.clone(), headers })
    }

    /// Calls a method. All that are called here may be made again.
    ///
    /// # Errors
    /// [`IndexError::Vectors`] with what the server says, or how it fails to.
    pub fn call<Q, A>(&self, method: &'static str, request: Q, patience: Patience) -> Result<A, IndexError>
    where
        Q: Message + Clone + 'static,
        A: Answer,
    {
        let began = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            match self.try_once::<Q, A>(method, request.clone(), patience.once) {
                Ok(answer) => return Ok(answer),
                Err(failure) if failure.is_passing && began.elapsed() + pause < patience.whole => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(PAUSES.1);
                }
                Err(failure) => return Err(self.fault(format!("{method}: {}", failure.reason))),
            }
        }
    }

    /// An error of this server.
    pub fn fault(&self, reason: String) -> IndexError {
        IndexError::Vectors { url: self.url.clone(), reason }
    }

    fn try_once<Q, A>(&self, method: &'static str, request: Q, limit: Duration) -> Result<A, Failure>
    where
        Q: Message + 'static,
        A: Answer,
    {
        let lost = |reason: &str| Failure { reason: reason.to_owned(), is_passing: false };
        let runtime = self.runtime.as_ref().ok_or_else(|| lost("the connection is closed"))?;
        let uri = Uri::try_from(format!("/milvus.proto.milvus.MilvusService/{method}"));
        let path = uri.ok().and_then(|uri| uri.path_and_query().cloned());
        let path = path.ok_or_else(|| lost("the method has no name"))?;
        let mut request = Request::new(request);
        for (name, value) in &self.headers {
            request.metadata_mut().insert(*name, value.clone());
        }
        let channel = self.channel.clone();
        // Callers may be on threads of another runtime, which must not wait for a future.
        let (send, receive) = mpsc::sync_channel(1);
        runtime.spawn(async move {
            let call = async {
                let mut grpc = tonic::client::Grpc::new(channel).max_decoding_message_size(LARGEST);
                grpc.ready().await.map_err(|error| failed(&tonic::Status::unavailable(with_causes(&error))))?;
                let codec = tonic_prost::ProstCodec::<Q, A>::default();
                grpc.unary(request, path, codec).await.map_err(|status| failed(&status))
            };
            let timed = tokio::time::timeout(limit, call).await;
            let slow = || Failure { reason: format!("no answer within {} s", limit.as_secs()), is_passing: true };
            _ = send.send(timed.unwrap_or_else(|_| Err(slow())));
        });
        let answer = receive.recv().map_err(|_| lost("the call was given up"))??.into_inner();
        match answer.status().filter(|status| status.code != 0 || status.error_code != 0) {
            Some(status) => Err(refused(status)),
            None => Ok(answer),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Whoever drops it may be a thread that must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn tls(certificate: Option<std::ffi::OsString>) -> Result<ClientTlsConfig, String> {
    let config = ClientTlsConfig::new().with_enabled_roots();
    let Some(path) = certificate else { return Ok(config) };
    let pem =
        std::fs::read(&path).map_err(|error| format!("{}, which {CERTIFICATE} names: {error}", path.display()))?;
    Ok(config.ca_certificate(Certificate::from_pem(pem)))
}

/// A call that did not come to an answer.
fn failed(status: &tonic::Status) -> Failure {
    let hint = match status.code() {
        Code::Unimplemented => "; is it a Milvus server, and not an older one?",
        Code::Unauthenticated => "; set GLIMPSE_MILVUS_TOKEN to `user:password`",
        _ if status.message().contains("UnknownIssuer") => {
            "; if its certificate is of an authority of your own, name that one by GLIMPSE_MILVUS_CA"
        }
        _ => "",
    };
    let passing = [Code::Unavailable, Code::DeadlineExceeded, Code::ResourceExhausted, Code::Aborted];
    // A connection that breaks in the middle of a call is an unknown error to the client.
    let is_broken = matches!(status.code(), Code::Unknown | Code::Internal | Code::Cancelled)
        && ["transport", "h2", "connection", "broken"].iter().any(|word| status.message().contains(word));
    let message = if status.message().is_empty() { status.code().description() } else { status.message() };
    Failure { reason: format!("{message}{hint}"), is_passing: passing.contains(&status.code()) || is_broken }
}

/// What servers say of themselves that passes.
const PASSING_WORDS: [&str; 7] =
    ["not ready", "no available", "rate limit", "not loaded", "not fully loaded", "node not match", "node not found"];

/// An answer that says no.
fn refused(status: &Status) -> Failure {
    // 1: a part of the server is not ready; 8, 9: too much at once; 101, 103: a collection that is
    // being loaded, as after a restart; 500 to 599: shards without a leader yet; 901 to 905: a
    // server that has started again still asks for nodes of before.
    let code = status.code % 10_000;
    let is_passing = status.retriable
        || matches!(code, 1 | 8 | 9 | 101 | 103 | 500..=599 | 901..=905)
        || PASSING_WORDS.iter().any(|words| status.reason.contains(words));
    Failure { reason: last_words(&status.reason).to_owned(), is_passing }
}

/// What a server says of its last attempt, without the calls that led there.
fn last_words(reason: &str) -> &str {
    let last = reason.rsplit_once("attempt #").and_then(|(_, last)| last.split_once(": "));
    last.map_or(reason, |(_, last)| last).lines().next().unwrap_or_default()
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text += ": ";
            text += &said;
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_has_started_again_is_waited_for() {
        let reason = "attempt #0: stack trace: /pkg/tracer/stack_trace.go:51\n/pkg/retry.go:44 retry.Do\n: attempt #0: rpc \
                      error: code = Unknown desc = node not match[expectedNodeID=1][actualNodeID=2]: attempt #7: session \
                      not found->datanode-1: node not found[node=1]: unrecoverable error\n";
        let failure = refused(&Status { code: 65_535, reason: reason.to_owned(), ..Status::default() });
        assert!(failure.is_passing);
        assert_eq!(failure.reason, "session not found->datanode-1: node not found[node=1]: unrecoverable error");
        let failure = refused(&Status {
            code: 100,
            reason: "collection not found[collection=a]".to_owned(),
            ..Status::default()
        });
        assert!(!failure.is_passing);
        assert_eq!(failure.reason, "collection not found[collection=a]");
    }
}
