//! Through real sockets of loopback, with `splice` and without.

mod apps;
#[cfg(target_os = "linux")]
mod at_rest;
mod content;
mod swap;

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use apps::{App, Connected, ask, reserved};

use super::Forwarder;
use super::mover::Mover;
use super::sockets::end_with_reset;
use crate::error;

/// A wait that no test comes to the end of.
const LONG: Duration = Duration::from_secs(600);

fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn forwarder(wait: Duration) -> Forwarder {
    Forwarder::listen(&[any_port()], wait).unwrap()
}

/// A forwarder of each kind.
fn forwarders() -> [Forwarder; 2] {
    [Mover::new(), Mover::copying()].map(|mover| Forwarder::start(&[any_port()], LONG, mover).unwrap())
}

fn connect(forwarder: &Forwarder) -> TcpStream {
    TcpStream::connect(forwarder.addresses()[0]).unwrap()
}

/// Both ends of a connection through a forwarder, after a byte has passed each way.
fn connected(forwarder: &Forwarder) -> (TcpStream, TcpStream) {
    let app = TcpListener::bind(any_port()).unwrap();
    forwarder.connect_to(vec![app.local_addr().unwrap()]);
    greeted(connect(forwarder), &app)
}

/// The client, and the app's end of its connection, after a byte has passed each way.
fn greeted(mut client: TcpStream, app: &TcpListener) -> (TcpStream, TcpStream) {
    client.write_all(b"?").unwrap();
    let mut app = app.accept().unwrap().0;
    app.read_exact(&mut [0]).unwrap();
    app.write_all(b"!").unwrap();
    client.read_exact(&mut [0]).unwrap();
    (client, app)
}

fn read_all(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn reset(stream: TcpStream) {
    end_with_reset(&stream);
}

/// The error that reading from a broken connection ends with.
fn read_error(stream: &mut TcpStream) -> Option<ErrorKind> {
    stream.read_to_end(&mut Vec::new()).err().map(|error| error.kind())
}

/// Waits until this holds.
fn wait_until(holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it never came to that");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_connection_is_passed_on_to_the_app() {
    for forwarder in forwarders() {
        let app = App::named("one");
        forwarder.connect_to(vec![app.address()]);
        let mut client = Connected::to(&forwarder);
        assert_eq!(client.ask(), "one");
        assert_eq!(client.ask(), "one");
    }
}

#[test]
fn each_listener_has_its_app() {
    let forwarder = Forwarder::listen(&[any_port(), any_port()], LONG).unwrap();
    let apps = [App::named("one"), App::named("two")];
    forwarder.connect_to(apps.iter().map(App::address).collect());
    let answers: Vec<String> = forwarder.addresses().iter().map(|address| ask(*address).unwrap()).collect();
    assert_eq!(answers, ["one", "two"]);
}

#[test]
fn a_connection_waits_until_there_is_an_app() {
    for forwarder in forwarders() {
        let mut clients = [Connected::to(&forwarder), Connected::to(&forwarder)];
        clients[0].send();
        let app = App::named("one");
        forwarder.connect_to(vec![app.address()]);
        assert_eq!(clients[0].answer(), "one");
        assert_eq!(clients[1].ask(), "one");
        forwarder.disconnect();
        let mut late = Connected::to(&forwarder);
        late.send();
        assert_eq!(clients[0].ask(), "one", "an established connection stays");
        let app = App::named("two");
        forwarder.connect_to(vec![app.address()]);
        assert_eq!(late.answer(), "two");
    }
}

#[test]
fn a_connection_that_waited_too_long_is_closed_in_good_order() {
    let forwarder = forwarder(Duration::from_millis(20));
    let mut client = connect(&forwarder);
    // With unread bytes a plain close would reset it.
    client.write_all(b"hello").unwrap();
    assert_eq!(read_all(&mut client), "");
}

#[test]
fn an_app_that_refuses_is_tried_again_until_another_takes_its_place() {
    let forwarder = forwarder(LONG);
    let nobody = reserved();
    forwarder.connect_to(vec![nobody.local_addr().unwrap()]);
    let mut client = Connected::to(&forwarder);
    client.send();
    let mut refused = 0;
    while refused < 3 {
        refused += forwarder.take_refused();
    }
    let app = App::named("one");
    forwarder.connect_to(vec![app.address()]);
    assert_eq!(client.answer(), "one");
}

#[test]
fn an_app_that_comes_late_is_found() {
    let forwarder = forwarder(LONG);
    let late = reserved();
    forwarder.connect_to(vec![late.local_addr().unwrap()]);
    let mut client = Connected::to(&forwarder);
    client.send();
    wait_until(|| forwarder.take_refused() > 0);
    rustix::net::listen(&late, 16).unwrap();
    let app = App::on(late, "late");
    assert_eq!(client.answer(), "late");
    drop(app);
}

#[test]
fn an_app_that_refuses_is_given_up_after_the_wait() {
    let forwarder = forwarder(Duration::from_millis(50));
    let nobody = reserved();
    forwarder.connect_to(vec![nobody.local_addr().unwrap()]);
    assert_eq!(read_all(&mut connect(&forwarder)), "");
}

#[test]
fn a_client_that_ends_first_still_gets_its_answer() {
    for forwarder in forwarders() {
        let (mut client, mut app) = connected(&forwarder);
        client.write_all(b"question").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&mut app), "question");
        app.write_all(b"answer").unwrap();
        drop(app);
        assert_eq!(read_all(&mut client), "answer");
    }
}

#[test]
fn an_app_that_ends_first_still_gets_the_rest() {
    for forwarder in forwarders() {
        let (mut client, mut app) = connected(&forwarder);
        app.write_all(b"greeting").unwrap();
        app.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&mut client), "greeting");
        client.write_all(b"rest").unwrap();
        drop(client);
        assert_eq!(read_all(&mut app), "rest");
    }
}

#[test]
fn a_client_that_ended_while_it_waited_gets_its_answer() {
    let forwarder = forwarder(LONG);
    let mut client = connect(&forwarder);
    client.write_all(b"question").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let app = TcpListener::bind(any_port()).unwrap();
    forwarder.connect_to(vec![app.local_addr().unwrap()]);
    let mut app = app.accept().unwrap().0;
    assert_eq!(read_all(&mut app), "question");
    app.write_all(b"answer").unwrap();
    drop(app);
    assert_eq!(read_all(&mut client), "answer");
}

#[test]
fn a_reset_is_passed_on_both_ways() {
    for forwarder in forwarders() {
        let (client, mut app) = connected(&forwarder);
        reset(client);
        assert_eq!(read_error(&mut app), Some(ErrorKind::ConnectionReset));
        let (mut client, app) = connected(&forwarder);
        reset(app);
        assert_eq!(read_error(&mut client), Some(ErrorKind::ConnectionReset));
    }
}

#[test]
fn a_client_that_vanishes_while_it_waits_is_forgotten() {
    let forwarder = forwarder(LONG);
    (0..20).for_each(|_| reset(connect(&forwarder)));
    (0..20).for_each(|_| drop(connect(&forwarder)));
    let app = App::named("one");
    forwarder.connect_to(vec![app.address()]);
    assert_eq!(ask(forwarder.addresses()[0]).unwrap(), "one");
}

#[test]
fn a_broken_connection_with_bytes_under_way_is_let_go() {
    for forwarder in forwarders() {
        let (client, mut app) = connected(&forwarder);
        app.set_nonblocking(true).unwrap();
        let bytes = vec![0; 1024 * 1024];
        while app.write(&bytes).is_ok() {}
        reset(client);
        app.set_nonblocking(false).unwrap();
        assert!(read_error(&mut app).is_some());
    }
}

#[test]
fn dropping_it_closes_all_and_frees_the_port() {
    let forwarder = forwarder(LONG);
    let address = forwarder.addresses()[0];
    let (mut client, mut app) = connected(&forwarder);
    forwarder.disconnect();
    let mut waiting = connect(&forwarder);
    drop(forwarder);
    for stream in [&mut client, &mut app, &mut waiting] {
        assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    }
    drop(Forwarder::listen(&[address], LONG).unwrap());
}

#[test]
fn all_addresses_or_none_are_listened_on() {
    let taken = TcpListener::bind(any_port()).unwrap();
    let free = reserved();
    let [free, taken_address] = [free.local_addr(), taken.local_addr()].map(Result::unwrap);
    let error = Forwarder::listen(&[free, taken_address], LONG).unwrap_err();
    let expected = format!("cannot listen on {taken_address}: port {} is in use", taken_address.port());
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert_eq!(error::kind(&error), error::ErrorKind::Usage);
    assert!(error::hint(&error).is_some());
    drop(Forwarder::listen(&[free], LONG).unwrap());
}
