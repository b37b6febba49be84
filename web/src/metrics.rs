//! Counters for Prometheus, in its text format.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web;
use parking_lot::Mutex;

use crate::pool::Pool;

/// Upper bounds of the latency buckets in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Requests by route, method and status, and how long they took.
#[derive(Debug, Default)]
pub struct Metrics {
    routes: Mutex<BTreeMap<Route, Histogram>>,
    in_flight: AtomicUsize,
}

/// What is counted elsewhere, at this moment.
pub struct Gauges<'a> {
    pub pools: &'a [&'a Pool],
    /// Images that can be found; `None` while the library is not open.
    pub images: Option<usize>,
    pub thumbnail_bytes: usize,
    pub indexing: bool,
}

/// Few by construction: the pattern of a route, never the address that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Route {
    pattern: String,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Default)]
struct Histogram {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    seconds: f64,
}

/// Middleware: counts every request.
pub async fn measure<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let metrics = request.app_data::<web::Data<Metrics>>().cloned();
    let start = Instant::now();
    let flight = metrics.as_ref().map(|metrics| Flight::begin(&metrics.in_flight));
    let answer = next.call(request).await;
    drop(flight);
    if let (Some(metrics), Ok(response)) = (&metrics, &answer) {
        let request = response.request();
        let pattern = request.match_pattern().unwrap_or_else(|| "none".to_owned());
        let method = match request.method().as_str() {
            "GET" => "GET",
            "HEAD" => "HEAD",
            "POST" => "POST",
            _ => "other",
        };
        let status = response.status().as_u16();
        metrics.note(Route { pattern, method, status }, start.elapsed());
    }
    answer
}

struct Flight<'a>(&'a AtomicUsize);

impl<'a> Flight<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Metrics {
    fn note(&self, route: Route, elapsed: Duration) {
        let seconds = elapsed.as_secs_f64();
        let mut routes = self.routes.lock();
        let histogram = routes.entry(route).or_default();
        histogram.count += 1;
        histogram.seconds += seconds;
        for (bucket, _) in histogram.buckets.iter_mut().zip(BUCKETS).filter(|(_, bound)| seconds <= *bound) {
            *bucket += 1;
        }
    }

    /// Everything in Prometheus' text format 0.0.4.
    pub fn render(&self, gauges: &Gauges<'_>) -> String {
        let mut text = Page(String::new());
        text.family("glimpse_requests_in_flight", "gauge", "Requests being answered.");
        text.value("glimpse_requests_in_flight", "", self.in_flight.load(Relaxed) as f64);

        let routes = self.routes.lock();
        text.family("glimpse_request_seconds", "histogram", "Time to answer, by route, method and status.");
        for (Route { pattern, method, status }, histogram) in routes.iter() {
            let labels = format!(r#"route="{}",method="{method}",status="{status}""#, escape(pattern));
            for (bound, count) in BUCKETS.iter().zip(histogram.buckets) {
                text.value("glimpse_request_seconds_bucket", &format!(r#"{labels},le="{bound}""#), count as f64);
            }
            let count = histogram.count as f64;
            text.value("glimpse_request_seconds_bucket", &format!(r#"{labels},le="+Inf""#), count);
            text.value("glimpse_request_seconds_sum", &labels, histogram.seconds);
            text.value("glimpse_request_seconds_count", &labels, count);
        }
        drop(routes);

        let pools = gauges.pools;
        let label = |name: &str| format!(r#"pool="{name}""#);
        text.family("glimpse_pool_waiting", "gauge", "Requests waiting for a thread.");
        pools.iter().for_each(|pool| text.value("glimpse_pool_waiting", &label(pool.name()), pool.waiting() as f64));
        text.family("glimpse_pool_running", "gauge", "Requests on a thread.");
        pools.iter().for_each(|pool| text.value("glimpse_pool_running", &label(pool.name()), pool.running() as f64));
        text.family("glimpse_pool_refused_total", "counter", "Requests refused because too many were waiting.");
        pools.iter().for_each(|pool| {
            text.value("glimpse_pool_refused_total", &label(pool.name()), pool.refused() as f64);
        });

        if let Some(count) = gauges.images {
            text.family("glimpse_images", "gauge", "Images that can be found.");
            text.value("glimpse_images", "", count as f64);
        }
        text.family("glimpse_thumbnail_bytes", "gauge", "Thumbnails kept in memory.");
        text.value("glimpse_thumbnail_bytes", "", gauges.thumbnail_bytes as f64);
        text.family("glimpse_indexing", "gauge", "1 while folders are being indexed.");
        text.value("glimpse_indexing", "", f64::from(u8::from(gauges.indexing)));
        text.0
    }
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}"); // a string takes everything
    }

    fn value(&mut self, name: &str, labels: &str, value: f64) {
        let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_all_that_is_not_slower() {
        let metrics = Metrics::default();
        let route = Route { pattern: "/".into(), method: "GET", status: 200 };
        [2, 30, 20_000].into_iter().for_each(|ms| metrics.note(route.clone(), Duration::from_millis(ms)));
        let routes = metrics.routes.lock();
        let histogram = &routes[&route];
        assert_eq!(histogram.count, 3);
        assert_eq!(histogram.buckets, [0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2]);
        assert_eq!(escape("a\"b\\"), "a\\\"b\\\\");
    }
}
