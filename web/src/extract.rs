//! Reading bodies: bounded in bytes and in time, with errors in our own shape.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::QueryPayloadError;
use actix_web::http::header;
use actix_web::rt::time::timeout;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use crate::error::{ApiError, Code};
use crate::state::{AppState, Limits};

/// Largest JSON body: a query of a few terms and filters, or the labels of a tagging.
pub const MAX_JSON: usize = 256 << 10;

/// Largest body that names images: tens of thousands of numbers.
pub const MAX_CHOICE: usize = 1 << 20;

/// A JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// A JSON body that names images.
#[derive(Debug)]
pub struct LongJson<T>(pub T);

/// A JSON body, or the same as a form of a page sends it.
#[derive(Debug)]
pub struct JsonOrForm<T>(pub T);

/// What an address asks behind its `?`.
#[derive(Debug)]
pub struct QueryString<T>(pub T);

/// Pairs of a query among which a wrong one is looked for.
const MOST_PAIRS: usize = 100;

impl<T: DeserializeOwned> FromRequest for Json<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { read_json(&request, payload, MAX_JSON).await.map(Self) })
    }
}

impl<T: DeserializeOwned> FromRequest for LongJson<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { read_json(&request, payload, MAX_CHOICE).await.map(Self) })
    }
}

impl<T: DeserializeOwned> FromRequest for JsonOrForm<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            if request.content_type() != "application/x-www-form-urlencoded" {
                return read_json(&request, payload, MAX_CHOICE).await.map(Self);
            }
            let bytes = read_body(&request, payload, MAX_CHOICE, body_time(&request)).await?;
            let text = std::str::from_utf8(&bytes).map_err(|error| ApiError::bad_request(error.to_string()))?;
            read_query(text).map(Self)
        })
    }
}

impl<T: DeserializeOwned> FromRequest for QueryString<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read_query(request.query_string()).map(Self))
    }
}

/// Reads `a=1&b=2`. An error names the pair that is wrong: the one without which all others are
/// right.
fn read_query<T: DeserializeOwned>(text: &str) -> Result<T, ApiError> {
    let read = |text: &str| web::Query::<T>::from_query(text).map(web::Query::into_inner);
    read(text).map_err(|error| {
        let reason = match &error {
            QueryPayloadError::Deserialize(reason) => reason.to_string(),
            other => other.to_string(),
        };
        let pairs: Vec<&str> = text.split('&').take(MOST_PAIRS).collect();
        let is_wrong = |at: &usize| read(&[&pairs[..*at], &pairs[at + 1..]].concat().join("&")).is_ok();
        let wrong = (0..pairs.len()).find(is_wrong).and_then(|at| pairs[at].split('=').next());
        ApiError::bad_request(wrong.map_or_else(|| reason.clone(), |name| format!("`{name}`: {reason}")))
    })
}

/// A JSON body of at most `limit` bytes.
async fn read_json<T: DeserializeOwned>(request: &HttpRequest, payload: Payload, limit: usize) -> Result<T, ApiError> {
    if request.content_type() != "application/json" {
        return Err(not_announced());
    }
    from_json(&read_body(request, payload, limit, body_time(request)).await?)
}

fn not_announced() -> ApiError {
    let error = ApiError::new(Code::UnsupportedMediaType, "the body is not announced as JSON");
    error.hint("send `Content-Type: application/json`")
}

fn body_time(request: &HttpRequest) -> Duration {
    let state = request.app_data::<web::Data<AppState>>();
    state.map_or(Limits::default().body_time, |state| state.limits.body_time)
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(ApiError::bad_request("the body is not a JSON object"));
    }
    serde_json::from_slice(bytes).map_err(|error| ApiError::bad_request(error.to_string()))
}

/// The whole body of a request.
///
/// # Errors
/// If it is larger than `limit` bytes, takes longer than `time`, or breaks off.
pub async fn read_body(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
    time: Duration,
) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::new(Code::TooLarge, format!("the body has more than {limit} bytes"));
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|announced: u64| announced > limit as u64) {
        return Err(too_large());
    }
    let read = async move {
        let mut payload = payload;
        // As large as was announced, so that it need not grow; memory is taken as bytes arrive.
        let mut body = BytesMut::with_capacity(announced.unwrap_or(0) as usize);
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| ApiError::bad_request(format!("the body broke off: {error}")))?;
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    let late = |_| ApiError::new(Code::Timeout, format!("the body did not arrive within {} seconds", time.as_secs()));
    timeout(time, read).await.map_err(late)?
}
