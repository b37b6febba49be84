//! A real server: clients that are slow, break off or send what is no HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use actix_web::HttpServer;

use super::*;

/// Starts a server over the shared library; gives its address and a way to stop it.
fn serve(limits: Limits) -> (String, actix_web::dev::ServerHandle, std::thread::JoinHandle<()>) {
    let state = state_of(&SHELF.engine, limits);
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || App::new().configure(configure(state.clone())))
                .workers(1)
                .client_request_timeout(Duration::from_secs(2))
                .disable_signals()
                .bind("127.0.0.1:0")
                .unwrap();
            let address = server.addrs()[0].to_string();
            let server = server.run();
            tell.send((address, server.handle())).unwrap();
            server.await.unwrap();
        });
    });
    let (address, handle) = told.recv().unwrap();
    (address, handle, thread)
}

fn talk(address: &str, parts: &[&[u8]], pause: Duration) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    for part in parts {
        if stream.write_all(part).is_err() {
            break; // the server has had enough
        }
        std::thread::sleep(pause);
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer); // a reset is an answer too
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn slow_broken_and_odd_clients_cost_only_themselves() {
    let limits = Limits { body_time: Duration::from_millis(300), uploads: 1, ..Limits::default() };
    let (address, handle, thread) = serve(limits);
    let now = Duration::ZERO;
    let head = format!(
        "POST /api/v1/search HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n"
    );

    // A body that never comes to its end.
    let slow = talk(&address, &[head.as_bytes(), b"{\"te"], now);
    assert!(slow.starts_with("HTTP/1.1 408") && slow.contains("\"timeout\""), "{slow}");
    // A head that never comes to its end.
    let silent = talk(&address, &[b"GET / HTTP/1.1\r\nHost: "], now);
    assert!(silent.is_empty() || silent.starts_with("HTTP/1.1 408"), "{silent}");
    // A body that breaks off.
    let mut cut = TcpStream::connect(&address).unwrap();
    cut.write_all(head.as_bytes()).unwrap();
    drop(cut);

    let odd = |request: &str| talk(&address, &[request.as_bytes()], now);
    for request in [
        "\r\n\r\n\0\0\0\0 nonsense\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nHost: {address}\r\nHost: {address}\r\nConnection: close\r\n\r\n"),
        format!(
            "POST /api/v1/search HTTP/1.1\r\nHost: {address}\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"
        ),
        format!(
            "POST /api/v1/search HTTP/1.1\r\nHost: {address}\r\nContent-Length: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        ),
        format!("POST /api/v1/search HTTP/1.1\r\nHost: {address}\r\nContent-Length: -5\r\nConnection: close\r\n\r\n"),
        format!(
            "GET /api/v1/health HTTP/1.1\r\nHost: {address}\r\nX: {}\r\nConnection: close\r\n\r\n",
            "a".repeat(200_000)
        ),
        "GET http://evil.example/api/v1/health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".to_owned(),
    ] {
        let answer = odd(&request);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{request:.80} -> {answer}");
    }
    // An upload that does not come to its end keeps its place, and others are refused meanwhile.
    let upload = |length: usize| {
        format!(
            "POST /api/v1/uploads HTTP/1.1\r\nHost: {address}\r\nContent-Type: image/png\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        )
    };
    let png = std::fs::read(SHELF.images.join("warm/red 04.png")).unwrap();
    let mut holding = TcpStream::connect(&address).unwrap();
    holding.write_all(upload(png.len()).as_bytes()).unwrap();
    holding.write_all(&png[..20]).unwrap();
    let refused = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(10)); // until the first has arrived
        Some(odd(&upload(3))).filter(|answer| answer.starts_with("HTTP/1.1 503"))
    });
    assert!(
        refused.is_some_and(|answer| answer.contains("\"busy\"") && answer.to_lowercase().contains("retry-after: 1"))
    );
    holding.write_all(&png[20..]).unwrap();
    let mut answer = String::new();
    holding.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    // Everybody else is answered; on a crowded machine even this request may come too late once.
    let health = format!("GET /api/v1/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let answers: Vec<_> = (0..5).map(|_| odd(&health)).collect();
    let fine = |answer: &String| answer.starts_with("HTTP/1.1 200") && answer.contains("\"status\":\"ok\"");
    assert!(answers.iter().any(fine), "{answers:?}");
    drop(handle.stop(true));
    thread.join().unwrap();
}
