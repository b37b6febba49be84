//! Addresses under which a reverse proxy shows this server to others.

use std::fmt;
use std::str::FromStr;

/// An address that people type: `https://photos.example/glimpse/`.
///
/// Whoever starts the server says which there are. Headers of a request, `X-Forwarded-Host` among
/// them, only choose between these and add none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    secure: bool,
    /// Name in small letters, with the port where that is not the usual one.
    authority: String,
    /// Begins and ends with a slash.
    path: String,
}

/// A text that is no address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address such as https://photos.example/ or http://nas.local:8080/glimpse/")]
pub struct NotAnAddress(String);

impl FromStr for PublicUrl {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let wrong = || NotAnAddress(text.to_owned());
        let (scheme, rest) = text.trim().split_once("://").ok_or_else(wrong)?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(wrong()),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (name, port) = split_port(authority).filter(|(name, _)| is_name(name)).ok_or_else(wrong)?;
        if !path.split('/').all(is_segment) {
            return Err(wrong());
        }
        let name = name.to_ascii_lowercase();
        let authority = match port {
            Some(port) if port != usual_port(secure) => format!("{name}:{port}"),
            _ => name,
        };
        let path = path.trim_matches('/');
        let path = if path.is_empty() { "/".to_owned() } else { format!("/{path}/") };
        Ok(Self { secure, authority, path })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.path)
    }
}

impl PublicUrl {
    /// True for `https`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The path below which the server stands, between slashes: `/` or `/glimpse/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// As browsers send it in `Origin`: `https://photos.example`.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.authority)
    }

    /// True if a `Host` header names this server. Some proxies leave the port out, so it is not
    /// compared: nobody can choose the port of a name that is not theirs.
    pub(crate) fn is_named_by(&self, host: &str) -> bool {
        let name = split_port(&self.authority).map_or(self.authority.as_str(), |(name, _)| name);
        split_port(host).is_some_and(|(other, _)| other.eq_ignore_ascii_case(name))
    }

    /// True if a page of this address was sent with this `Origin` header.
    pub(crate) fn is_origin(&self, origin: &str) -> bool {
        origin.eq_ignore_ascii_case(&self.origin())
    }
}

fn usual_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// A host and its port, if it names one.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let end_of_name = if authority.starts_with('[') { authority.find(']')? + 1 } else { 0 };
    match authority[end_of_name..].find(':') {
        None => Some((authority, None)),
        Some(at) => {
            let (name, port) = authority.split_at(end_of_name + at);
            let digits = port[1..].bytes().all(|byte| byte.is_ascii_digit());
            port[1..].parse().ok().filter(|_| digits).map(|port| (name, Some(port)))
        }
    }
}

fn is_name(name: &str) -> bool {
    match name.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok()),
        None => !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)),
    }
}

fn is_segment(segment: &str) -> bool {
    segment != ".." && segment != "." && segment.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn addresses_are_read_and_shown_in_one_form() {
        for (text, shown) in [
            ("https://Photos.Example", "https://photos.example/"),
            ("https://photos.example:443/", "https://photos.example/"),
            ("http://nas.local:8080/glimpse", "http://nas.local:8080/glimpse/"),
            ("http://[::1]:80/a/b/", "http://[::1]/a/b/"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "photos.example",
            "ftp://photos.example",
            "https://",
            "https://me@photos.example/",
            "https://photos.example:x/",
            "https://photos.example/a?b",
            "https://photos.example/../a",
            "https://photos example/",
            "https://photos.example/a;b",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn hosts_are_known_by_name_and_origins_as_a_whole() {
        let url: PublicUrl = "https://photos.example:8443/glimpse/".parse().unwrap();
        for host in ["photos.example", "photos.example:8443", "PHOTOS.example"] {
            assert!(url.is_named_by(host), "{host}");
        }
        for host in ["example", "photos.example.evil", "photos.example:evil", "evil:8443", ""] {
            assert!(!url.is_named_by(host), "{host}");
        }
        assert!(url.is_origin("https://photos.example:8443"));
        for origin in ["https://photos.example", "http://photos.example:8443", "https://evil.example:8443", "null"] {
            assert!(!url.is_origin(origin), "{origin}");
        }
    }
}
