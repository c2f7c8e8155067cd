//! One app takes the place of another.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};

use super::apps::{App, Connected, ask};
use super::*;

/// A limit that ends a drain before its connections.
const SHORT: Duration = Duration::from_millis(20);

#[test]
fn no_client_notices_a_swap() {
    const SWAPS: usize = 50;
    let forwarder = forwarder(LONG);
    let address = forwarder.addresses()[0];
    let ended = AtomicBool::new(false);
    let asked = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut asked = 0;
                    while !ended.load(Ordering::Relaxed) {
                        ask(address).unwrap();
                        asked += 1;
                    }
                    asked
                })
            })
            .collect();
        let mut old = None;
        for swap in 0..SWAPS {
            let name = swap.to_string();
            let app = App::named(&name);
            let generation = forwarder.connect_to(vec![app.address()]);
            assert_eq!(ask(address).unwrap(), name, "a new connection goes to the new app");
            if let Some((old, generation)) = old.replace((app, generation)) {
                assert_eq!(forwarder.drain(generation, LONG), 0);
                drop::<App>(old);
                forwarder.close(generation);
            }
        }
        ended.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).sum::<usize>()
    });
    assert!(asked > SWAPS, "{asked} requests");
    assert_eq!(forwarder.take_refused(), 0);
}

#[test]
fn no_client_notices_an_app_that_is_stopped_before_the_next_one_starts() {
    let forwarder = forwarder(LONG);
    let address = forwarder.addresses()[0];
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let client = scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                ask(address).unwrap();
            }
        });
        for swap in 0..20 {
            let app = App::named(&swap.to_string());
            let generation = forwarder.connect_to(vec![app.address()]);
            ask(address).unwrap();
            forwarder.disconnect();
            assert_eq!(forwarder.drain(generation, LONG), 0);
        }
        let app = App::named("last");
        forwarder.connect_to(vec![app.address()]);
        ended.store(true, Ordering::Relaxed);
        client.join().unwrap();
    });
}

#[test]
fn a_connection_stays_with_its_app() {
    let forwarder = forwarder(LONG);
    let apps = [App::named("old"), App::named("new")];
    forwarder.connect_to(vec![apps[0].address()]);
    let mut client = Connected::to(&forwarder);
    assert_eq!(client.ask(), "old");
    forwarder.connect_to(vec![apps[1].address()]);
    assert_eq!(client.ask(), "old");
    assert_eq!(Connected::to(&forwarder).ask(), "new");
}

#[test]
fn a_drain_ends_connections_at_rest_in_good_order() {
    for forwarder in forwarders() {
        let app = App::named("old");
        let old = forwarder.connect_to(vec![app.address()]);
        let mut clients: Vec<Connected> = (0..10).map(|_| Connected::to(&forwarder)).collect();
        clients.iter_mut().for_each(|client| assert_eq!(client.ask(), "old"));
        forwarder.disconnect();
        assert_eq!(forwarder.drain(old, LONG), 0);
        assert!(clients.iter_mut().all(Connected::is_at_end));
        // What a client sends at that moment is not lost by a reset.
        clients.iter_mut().for_each(Connected::send);
        assert!(clients.iter_mut().all(Connected::is_at_end));
    }
}

#[test]
fn a_drain_leaves_a_client_that_waits_for_an_answer() {
    let forwarder = forwarder(LONG);
    let listener = TcpListener::bind(any_port()).unwrap();
    let old = forwarder.connect_to(vec![listener.local_addr().unwrap()]);
    let mut client = Connected::to(&forwarder);
    client.send();
    let (mut app, _) = listener.accept().unwrap();
    app.read_exact(&mut [0; 6]).unwrap();
    forwarder.disconnect();
    assert_eq!(forwarder.drain(old, SHORT), 1);
    app.write_all(b"answer\n").unwrap();
    assert_eq!(client.answer(), "answer");
    assert_eq!(forwarder.drain(old, LONG), 0);
    assert!(client.is_at_end());
}

/// Sends to a client that reads nothing, until no more is taken although the forwarder had time for it; how many bytes.
fn send_until_held(app: &mut TcpStream) -> usize {
    const PATIENCE: Duration = Duration::from_millis(300);
    app.set_nonblocking(true).unwrap();
    let (block, mut sent, mut last) = (vec![1; 1024 * 1024], 0, Instant::now());
    while last.elapsed() < PATIENCE {
        match app.write(&block) {
            Ok(count) => (sent, last) = (sent + count, Instant::now()),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    sent
}

#[test]
fn a_drain_leaves_a_download_until_it_is_done() {
    for forwarder in forwarders() {
        let listener = TcpListener::bind(any_port()).unwrap();
        let old = forwarder.connect_to(vec![listener.local_addr().unwrap()]);
        let (mut client, mut app) = greeted(connect(&forwarder), &listener);
        forwarder.disconnect();
        let sent = send_until_held(&mut app);
        assert_eq!(forwarder.drain(old, SHORT), 1);
        let mut bytes = vec![0; sent];
        client.read_exact(&mut bytes).unwrap();
        assert_eq!(forwarder.drain(old, LONG), 0);
        assert_eq!(client.read(&mut bytes).unwrap(), 0);
    }
}

#[test]
fn an_answer_within_which_the_app_paused_was_cut() {
    const LIMIT: Duration = Duration::from_millis(300);
    let parts = [
        ("HTTP/1.1 20", "0 OK\r\nContent-Length: 1\r\n\r\nx"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234", "56789"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", "0\r\n\r\n"),
        ("HTTP/1.1 200 OK\r\n\r\nwithout a ", "length"),
    ];
    for (first, second) in parts {
        let forwarder = forwarder(LONG);
        let listener = TcpListener::bind(any_port()).unwrap();
        let old = forwarder.connect_to(vec![listener.local_addr().unwrap()]);
        let mut client = connect(&forwarder);
        client.write_all(b"GET").unwrap();
        let (mut app, _) = listener.accept().unwrap();
        app.read_exact(&mut [0; 3]).unwrap();
        app.write_all(first.as_bytes()).unwrap();
        client.read_exact(&mut vec![0; first.len()]).unwrap();
        forwarder.disconnect();
        assert_eq!(forwarder.drain(old, LIMIT), 1, "{first:?}");
        app.write_all(second.as_bytes()).unwrap();
        drop(app);
        assert_eq!(read_all(&mut client), second);
    }
}

#[test]
fn a_drain_ends_a_busy_http_connection_between_two_requests() {
    let forwarder = forwarder(LONG);
    let listener = TcpListener::bind(any_port()).unwrap();
    let old = forwarder.connect_to(vec![listener.local_addr().unwrap()]);
    let mut client = Connected::to(&forwarder);
    client.send();
    let (mut app, _) = listener.accept().unwrap();
    app.read_exact(&mut [0; 6]).unwrap();
    std::thread::scope(|scope| {
        let drained = scope.spawn(|| forwarder.drain(old, LONG));
        let mut answers = 0;
        while !drained.is_finished() {
            app.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\n").unwrap();
            answers += 1;
            if client.skip_answer().is_err() {
                break;
            }
            client.send();
            if app.read_exact(&mut [0; 6]).is_err() {
                break;
            }
        }
        assert_eq!(drained.join().unwrap(), 0);
        assert!(answers > 0);
    });
    assert!(client.is_at_end());
}

#[test]
fn a_connection_that_nothing_passed_on_moves_to_the_new_app() {
    let forwarder = forwarder(LONG);
    let listener = TcpListener::bind(any_port()).unwrap();
    let old = forwarder.connect_to(vec![listener.local_addr().unwrap()]);
    let mut client = Connected::to(&forwarder);
    let old_end = listener.accept().unwrap().0;
    forwarder.disconnect();
    assert_eq!(forwarder.drain(old, LONG), 0);
    let app = App::named("new");
    forwarder.connect_to(vec![app.address()]);
    assert_eq!(client.ask(), "new");
    drop(old_end);
}

#[test]
fn closing_passes_on_what_has_arrived_and_then_the_end() {
    for forwarder in forwarders() {
        let listener = TcpListener::bind(any_port()).unwrap();
        let old = forwarder.connect_to(vec![listener.local_addr().unwrap()]);
        let mut client = connect(&forwarder);
        let (mut app, _) = listener.accept().unwrap();
        app.write_all(b"last words").unwrap();
        let mut first = [0];
        client.read_exact(&mut first).unwrap();
        forwarder.close(old);
        assert_eq!(read_all(&mut client), "ast words");
        assert_eq!(read_all(&mut app), "");
    }
}

#[test]
fn an_app_that_dies_ends_its_connections_and_new_ones_wait() {
    let forwarder = forwarder(LONG);
    let (mut client, app) = connected(&forwarder);
    client.write_all(b"x").unwrap();
    // Its listener is gone with the connection.
    drop(app);
    assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)));
    let mut waiting = Connected::to(&forwarder);
    waiting.send();
    wait_until(|| forwarder.take_refused() > 0);
    let app = App::named("new");
    forwarder.connect_to(vec![app.address()]);
    assert_eq!(waiting.answer(), "new");
}
