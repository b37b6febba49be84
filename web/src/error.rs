//! Every error that a client can see: one shape, and one table of codes.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use glimpse_engine::{EngineError, ErrorKind, ImageError, ReasonCode, Refusal};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::names;

/// What went wrong, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request makes no sense; asking again will not help.
    BadRequest,
    /// What was typed to find objects cannot be read; the message says what is missing where.
    BadForm,
    /// What was sent is not an image that can be read.
    BadImage,
    /// A folder was named by a part of its path.
    FolderNotAbsolute,
    /// The folder is not there.
    FolderNotFound,
    /// No token, or a wrong one.
    Unauthorized,
    /// The request comes from another site, or names another machine.
    Forbidden,
    /// The folder is neither of the library nor below one that the server may index.
    FolderNotAllowed,
    /// The server may not move files to the trash.
    TrashNotAllowed,
    /// The server may not write XMP sidecars.
    SidecarsNotAllowed,
    /// The server shows no files on a desktop.
    RevealNotAllowed,
    /// Nothing is there.
    NotFound,
    /// The address is right, the method is not.
    MethodNotAllowed,
    /// The body did not arrive in time.
    Timeout,
    /// What is asked for does not go together with what is under way.
    Conflict,
    /// The image is not the one that `If-Match` names.
    PreconditionFailed,
    /// The body is too large.
    TooLarge,
    /// The body is not of the kind that is read here.
    UnsupportedMediaType,
    /// The file has no bytes in the range that is asked for; `Content-Range` says how many it has.
    RangeNotSatisfiable,
    /// The library was indexed without regions, which is what is asked about.
    NoRegions,
    /// The model has no decoder, which is what finds words for images.
    NoDecoder,
    /// Too much work at the moment; ask again after `Retry-After` seconds.
    Busy,
    /// The library or the model is not ready; the message says what to do.
    NotReady,
    /// The folder that holds the image does not answer: its drive or network share may be away.
    Unreachable,
    /// The answer takes longer than the server works on one.
    TookTooLong,
    /// This program or this machine.
    Internal,
}

impl Code {
    /// The one table of statuses.
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadRequest | Self::BadForm | Self::BadImage => StatusCode::BAD_REQUEST,
            Self::FolderNotAbsolute | Self::FolderNotFound => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::FolderNotAllowed => StatusCode::FORBIDDEN,
            Self::TrashNotAllowed | Self::SidecarsNotAllowed | Self::RevealNotAllowed => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict | Self::NoRegions | Self::NoDecoder => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Busy | Self::NotReady | Self::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
            Self::TookTooLong => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<ErrorKind> for Code {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::BadRequest => Self::BadRequest,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::NotReady => Self::NotReady,
            ErrorKind::Cancelled => Self::Busy,
            ErrorKind::Timeout => Self::TookTooLong,
            ErrorKind::Internal => Self::Internal,
        }
    }
}

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    code: Code,
    /// What went wrong, for people.
    message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// Why, for programs, where that says more than `code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<names::ReasonCode>)]
    reason_code: Option<ReasonCode>,
    /// The word or text that `reason_code` is about, as it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    word: Option<String>,
    /// The most that is allowed, where `reason_code` is about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
}

impl ApiError {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, reason_code: None, word: None, limit: None }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Code::BadRequest, message)
    }

    /// A form that cannot be read.
    pub fn bad_form(error: EngineError) -> Self {
        Self { code: Code::BadForm, ..error.into() }
    }

    /// What was sent is no image that can be read.
    pub fn bad_image(error: &ImageError) -> Self {
        Self { reason_code: Some(error.into()), ..Self::new(Code::BadImage, error.to_string()) }
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    pub fn code(&self) -> Code {
        self.code
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Code::Internal, message)
    }

    pub fn busy() -> Self {
        Self::new(Code::Busy, "too many requests at a time").hint("ask again in a second")
    }

    /// Says why, for programs and translations.
    #[must_use]
    pub fn because(self, reason: ReasonCode) -> Self {
        Self { reason_code: Some(reason), ..self }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let code = match &error {
            EngineError::Busy(_) => Code::Conflict,
            EngineError::NoDecoder { .. } => Code::NoDecoder,
            EngineError::Unreachable { .. } => Code::Unreachable,
            _ => error.kind().into(),
        };
        let (word, limit) = error.refusal().map_or((None, None), |refusal| (refusal.word.clone(), refusal.limit));
        Self { reason_code: error.reason_code(), word, limit, ..Self::new(code, error.to_string()) }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        EngineError::from(refusal).into()
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if self.status_code() == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((header::RETRY_AFTER, "1"));
        }
        if self.code == Code::Unauthorized {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if self.code == Code::Timeout {
            response.force_close(); // the rest of the body may still be under way
        }
        response.json(self)
    }
}
