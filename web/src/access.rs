//! Who may ask: checks that run before any handler, and the headers that bound what a browser does
//! with an answer.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, ResponseError, web};

use crate::error::{ApiError, Code};
use crate::public_url::PublicUrl;
use crate::routes::page;

/// Shortest token: 16 characters of 66 kinds are 96 bits.
pub const MIN_TOKEN: usize = 16;
/// The cookie's name; the port follows, unless a reverse proxy stands before the server.
const COOKIE: &str = "glimpse_token";
/// How long a browser keeps it: a month.
const COOKIE_SECONDS: u32 = 30 * 24 * 3600;
/// The start of the token in an address.
const TOKEN: &str = "token=";

/// Scripts, styles and images of this server, and nothing else.
pub const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
     media-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

/// The rule of one server.
#[derive(Debug, Clone)]
pub struct Access {
    token: Option<String>,
    /// Where a reverse proxy shows the server.
    public_urls: Vec<PublicUrl>,
}

impl Access {
    /// `None` if the token is too weak.
    pub fn new(token: Option<String>) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        match &token {
            Some(token) if token.len() < MIN_TOKEN || !token.chars().all(plain) => None,
            _ => Some(Self { token, public_urls: Vec::new() }),
        }
    }

    /// The same behind a reverse proxy.
    #[must_use]
    pub fn behind(self, public_urls: Vec<PublicUrl>) -> Self {
        Self { public_urls, ..self }
    }

    /// Addresses under which a reverse proxy shows the server.
    pub fn public_urls(&self) -> &[PublicUrl] {
        &self.public_urls
    }

    /// The public address that a request came by, as far as its headers tell. They choose between
    /// the addresses that were given at the start, and can name no other.
    fn public_url_of(&self, request: &ServiceRequest) -> Option<&PublicUrl> {
        let named = |name: HeaderName| {
            let host = only(request, name)?;
            self.public_urls.iter().find(|url| url.is_named_by(host))
        };
        named(header::HOST).or_else(|| named(HeaderName::from_static("x-forwarded-host")))
    }

    /// Every check, in the order in which a stranger meets them.
    fn check(&self, request: &ServiceRequest) -> Result<(), ApiError> {
        let host = only(request, header::HOST)
            .ok_or_else(|| ApiError::bad_request("the request needs exactly one Host header"))?;
        let is_public = self.public_urls.iter().any(|url| url.is_named_by(host));
        if self.token.is_none() && !is_public && !names_this_machine(host) {
            let message = format!("this server does not answer to the name `{host}`");
            return Err(ApiError::new(Code::Forbidden, message).hint(
                "use the address that `glimpse serve` printed; behind a reverse proxy, start it with \
                 `--public-url` and the address that people type",
            ));
        }
        if request.headers().contains_key(header::ORIGIN) {
            let origin = only(request, header::ORIGIN).unwrap_or_default();
            if !is_origin_of(origin, host) && !self.public_urls.iter().any(|url| url.is_origin(origin)) {
                return Err(ApiError::new(Code::Forbidden, "requests from other sites are refused").hint(
                    "behind a reverse proxy, start the server with `--public-url` and the address that people type",
                ));
            }
        }
        // What browsers add by themselves: a link from elsewhere may open the page, nothing may be
        // embedded or sent.
        let follows_link = only(request, "sec-fetch-mode") == Some("navigate") && request.method().is_safe();
        if only(request, "sec-fetch-site") == Some("cross-site") && !follows_link {
            return Err(ApiError::new(Code::Forbidden, "requests from other sites are refused"));
        }
        let Some(token) = &self.token else { return Ok(()) };
        if shown_tokens(request).any(|shown| same(shown, token)) {
            return Ok(());
        }
        Err(ApiError::new(Code::Unauthorized, "this server asks for its token")
            .hint("open the page once with `?token=...`, or send `Authorization: Bearer ...`"))
    }
}

/// Middleware: checks, and turns the right `?token=` in the address bar into a cookie.
pub async fn check<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let access = request.app_data::<web::Data<Access>>().cloned();
    let verdict = match &access {
        Some(access) => access.check(&request),
        None => Err(ApiError::internal("the server was set up without a library")),
    };
    if let Err(error) = verdict {
        // A person who opens the address is asked, a program is told.
        let asks_person = error.code() == Code::Unauthorized
            && request.method() == Method::GET
            && only(&request, header::ACCEPT).is_some_and(|kinds| kinds.contains("text/html"));
        let response = match token_in_query(&request) {
            // A wrong one does not stay in the address bar, where others read it.
            Some(shown) if asks_person && !shown.is_empty() => {
                HttpResponse::SeeOther().insert_header((header::LOCATION, with_empty_token(&request))).finish()
            }
            _ if asks_person => page::token(request.request()),
            _ => error.error_response(),
        };
        return Ok(request.into_response(response).map_into_right_body());
    }
    let token = access.as_ref().and_then(|access| access.token.as_deref());
    if request.method() == Method::GET
        && let Some(token) = token.filter(|token| token_in_query(&request).is_some_and(|shown| same(shown, token)))
    {
        let url = access.as_ref().and_then(|access| access.public_url_of(&request));
        let path = url.map_or("/", PublicUrl::path);
        let secure = if url.is_some_and(PublicUrl::is_secure) { "; Secure" } else { "" };
        let name = cookie_name(&request, url);
        let cookie =
            format!("{name}={token}; HttpOnly; SameSite=Strict; Path={path}; Max-Age={COOKIE_SECONDS}{secure}");
        let response = HttpResponse::SeeOther()
            .insert_header((header::SET_COOKIE, cookie))
            .insert_header((header::LOCATION, without_token(&request)))
            .finish();
        return Ok(request.into_response(response).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// The address of a request without the token, from where the request was sent to: a reverse proxy
/// may have taken a part off the path.
fn without_token(request: &ServiceRequest) -> String {
    let name = request.path().rsplit(['/', '\\']).next().unwrap_or_default();
    let rest: Vec<&str> =
        request.query_string().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with(TOKEN)).collect();
    let mark = if rest.is_empty() { "" } else { "?" };
    format!("./{name}{mark}{}", rest.join("&"))
}

/// The same with an empty token, which says that a wrong one was shown.
fn with_empty_token(request: &ServiceRequest) -> String {
    let address = without_token(request);
    let mark = if address.contains('?') { '&' } else { '?' };
    format!("{address}{mark}{TOKEN}")
}

/// True if an `Origin` is that of a page of this server.
fn is_origin_of(origin: &str, host: &str) -> bool {
    let (scheme, authority) = origin.split_once("://").unwrap_or_default();
    ["http", "https"].contains(&scheme) && authority == host
}

/// The value of a header that must be there exactly once.
fn only(request: &ServiceRequest, name: impl header::AsHeaderName) -> Option<&str> {
    let mut values = request.headers().get_all(name);
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

/// True for `localhost` and for addresses: a name that an attacker's DNS could point here is
/// neither.
fn names_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => {
            return v6.split_once(']').is_some_and(|(address, port)| {
                address.parse::<std::net::Ipv6Addr>().is_ok() && (port.is_empty() || is_port(port))
            });
        }
        None => match host.find(':') {
            Some(at) if !is_port(&host[at..]) => return false,
            Some(at) => &host[..at],
            None => host,
        },
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::Ipv4Addr>().is_ok()
}

/// True for a colon and digits.
fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|digits| digits.parse::<u16>().is_ok())
}

/// The tokens that a request shows: in its header, its cookies and its address. One that is wrong
/// does not hide another: a cookie may be left from another token, or from a server at another
/// port.
fn shown_tokens(request: &ServiceRequest) -> impl Iterator<Item = &str> {
    let bearer = only(request, header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
    });
    let cookies = request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
    let cookies = cookies.flat_map(|value| value.split(';')).filter_map(|pair| {
        let (name, token) = pair.trim().split_once('=')?;
        name.starts_with(COOKIE).then_some(token)
    });
    bearer.into_iter().chain(cookies).chain(token_in_query(request))
}

fn token_in_query(request: &ServiceRequest) -> Option<&str> {
    request.query_string().split('&').find_map(|pair| pair.strip_prefix(TOKEN))
}

/// The cookie's name at this address. Browsers send a cookie to all ports of a host, so that two
/// servers of one machine would replace each other's. Behind a reverse proxy the port is not the
/// server's.
fn cookie_name(request: &ServiceRequest, url: Option<&PublicUrl>) -> String {
    let host = if url.is_some() { None } else { only(request, header::HOST) };
    match host.and_then(|host| host.rsplit_once(':')) {
        Some((_, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{COOKIE}_{port}")
        }
        _ => COOKIE.to_owned(),
    }
}

/// Compares without telling by its time how much is right.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_has_no_name() {
        for host in
            ["localhost", "LocalHost:4747", "127.0.0.1", "127.0.0.1:80", "[::1]:4747", "192.168.1.5:4747", "[::1]"]
        {
            assert!(names_this_machine(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example:4747",
            "127.0.0.1.nip.io",
            "[::1",
            "[evil]",
            "localhost:evil.example",
            "[::1].evil.example",
            "127.0.0.1:80:evil",
            "localhost:",
            "[::1]:",
        ] {
            assert!(!names_this_machine(host), "{host}");
        }
    }

    #[test]
    fn weak_tokens_are_refused() {
        assert!(Access::new(Some("short".into())).is_none());
        assert!(Access::new(Some("sixteen characters; and odd".into())).is_none());
        assert!(Access::new(Some("0123456789abcdef".into())).is_some() && Access::new(None).is_some());
    }
}
